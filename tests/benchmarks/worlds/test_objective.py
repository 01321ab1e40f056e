"""The script that replaces every sound by the exact name of what sounds, and prints the losses."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "worlds" / "objective.py"
GUESSING = math.log(16)


def highest_losses(dataset: str, *temperatures: float) -> list[float]:
    """The higher of the two losses of exact names, at each temperature."""
    command = [sys.executable, str(SCRIPT), "--dataset", dataset, "--batches", "2", "--json"]
    command += [text for temperature in temperatures for text in ("--temperature", str(temperature))]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [max(row["image-contrastive"], row["feature-contrastive"]) for row in json.loads(printed)]


@pytest.mark.slow
def test_exact_names_beat_guessing_at_the_temperature_of_the_mini_encoders_and_not_at_that_of_clip() -> None:
    of_the_set, of_clip = highest_losses("toy-vague", 0.2, 0.07)
    assert of_the_set < GUESSING < of_clip
