"""The finished runs of a folder, each as its report."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from avprompt.errors import DataError
from avprompt.report.page import find_runs, page


def run_names(folder: Path) -> list[str]:
    """Return the finished runs of a folder, as paths from it."""
    try:
        runs = find_runs([folder])
    except DataError:  # none yet
        return []
    return [str(run.relative_to(folder)) for run in runs]


def run_frame(folder: Path, names: Sequence[str]) -> str:
    """Return the report of some runs as a frame that a page can hold; nothing where none is named.

    Raises:
        DataError: a name is none of `run_names`, or a run is damaged.
    """
    if not names:
        return ""
    unknown = sorted({*names} - {*run_names(folder)})
    if unknown:
        raise DataError(f"There is no finished run '{unknown[0]}' in '{folder}'.")
    text = page([folder / name for name in names])
    return f'<iframe srcdoc="{escape(text)}" style="width: 100%; height: 80vh; border: 0"></iframe>'
