"""Fixtures that every test may use.

`tests/support` is on the path, and in it a plugin as installed: `tinyworld`, a benchmark and encoders so
small that whole runs take a blink.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from avprompt.plugin.discovery import Loaded, load_plugins
from avprompt.registry import Registry
from tinyworld.bench import Bench

# A busy machine is no fault of the code: no property is timed.
settings.register_profile(
    "untimed",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with golden vectors, real clips and official metadata; skips where it is absent."""
    if not (SHARED / "golden").is_dir():
        pytest.skip("needs ../shared (golden vectors, clips, metadata), which is not here")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # tensors are tiny, and sums must not depend on how many cores there are


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    return load_plugins()


@pytest.fixture(scope="session")
def registry(loaded: Loaded) -> Registry:
    return loaded.registry


@pytest.fixture
def bench(registry: Registry, tmp_path: Path) -> Bench:
    return Bench(registry, tmp_path)
