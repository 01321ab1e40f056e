"""A whole data root, and the benchmark whose layout it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.registry import Registry
from mediafiles import save_vggss


@pytest.fixture(scope="session")
def vggss(registry: Registry) -> type[BenchmarkAdapter]:
    """VGG-SS, by the door that everybody uses."""
    benchmark: type[BenchmarkAdapter] = registry.load("datasets", "vggss")
    return benchmark


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four clips in VGG-SS's layout; nothing is wrong with them."""
    return save_vggss(tmp_path / "root")
