"""Golden vectors of the whole chain."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden"


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def golden_encoders() -> tuple[str, ...]:
    """The overrides that put the tiny official checkpoints into a method."""
    return (
        "backbone.name=clipseg",
        f"backbone.checkpoint={GOLDEN / 'clipseg_tiny'}",
        "backbone.image_size=64",
        "audio_encoder.name=beats",
        f"audio_encoder.checkpoint={GOLDEN / 'beats_tiny.pt'}",
    )
