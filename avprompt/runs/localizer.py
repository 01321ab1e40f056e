"""Opening a method for single clips: what the user chose, with all weights."""

from __future__ import annotations

import math
from numbers import Real
from pathlib import Path
from typing import Any

from avprompt.errors import ConfigError
from avprompt.localization.localizer import Localizer
from avprompt.plugin.discovery import Loaded
from avprompt.runs.assessment import threshold
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import read_results
from avprompt.runs.session import open_method
from avprompt.runs.settings import Settings

SECONDS = 10.0
"""How much of a sound is used unless a run or the user says otherwise."""

SHORTEST = 0.1
"""Seconds of sound that may be asked for."""


def open_localizer(
    loaded: Loaded,
    method: str,
    settings: Settings,
    checkpoint: Path | None = None,
    seconds: float | None = None,
    mask_threshold: float = 0.5,
) -> Localizer:
    """Open a method for use on single clips.

    Args:
        loaded: plugins.
        method: a registered method, a YAML file, or the `config.yaml` of a run.
        settings: the user's choices, or those of the run.
        checkpoint: trained parts.
        seconds: how much of each sound is used.
        mask_threshold: that makes a mask of a heatmap.

    Raises:
        ConfigError: the method does not fit together, or `seconds` is no length of time.
        WeightsError: trained parts or encoder weights are missing.
    """
    seconds = SECONDS if seconds is None else _checked_seconds(seconds)
    opened = open_method(loaded, method, settings, settings.encoders or "published", checkpoint)
    opened.method.eval()
    spec, precision = opened.input_spec(seconds), opened.accelerator.autocast
    return Localizer(opened.method, spec, precision, mask_threshold)


def threshold_of_run(run: str | Path) -> float:
    """Return the threshold that a run chose for its headline, on its first split; 0.5 where it chose none."""
    directory = RunDirectory(Path(run))
    if not directory.results.is_file():
        return 0.5
    result = read_results(directory.path)
    return threshold(result, next(iter(result.scores))) if result.scores else 0.5


def _checked_seconds(seconds: Any) -> float:
    number = isinstance(seconds, Real) and not isinstance(seconds, bool)
    if not (number and SHORTEST <= seconds < math.inf):
        raise ConfigError(
            f"seconds says how much of each sound is used: a number from {SHORTEST}, such as {SECONDS}, "
            f"not {seconds!r}."
        )
    return float(seconds)
