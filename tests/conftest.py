"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with golden vectors, real clips and official metadata; skips where it is absent."""
    if not (SHARED / "golden").is_dir():
        pytest.skip("needs ../shared (golden vectors, clips, metadata), which is not here")
    return SHARED
