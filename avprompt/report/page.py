"""The page: one HTML file with everything in it, which asks nothing of the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avprompt import __version__
from avprompt.errors import ConfigError, DataError
from avprompt.files import read_text, replacing
from avprompt.report.leaderboard import leaderboards
from avprompt.report.rendering import rendered
from avprompt.report.run_page import run_page
from avprompt.report.seeds import group_seeds
from avprompt.runs.directory import RUNS, RunDirectory
from avprompt.weights.hub_run import fetch_run, is_hub_run

PAGE = "report.html"
GENERATOR = '<meta name="generator" content="avprompt'
"""What tells a page of ours from somebody's."""


def find_runs(targets: Sequence[str | Path]) -> list[Path]:
    """Return finished runs: folders that are one, those in folders that hold some, and those on the hub.

    Raises:
        DataError: a folder neither is nor holds a finished run.
        WeightsError: there is no such run on the hub, or it cannot be fetched.
    """
    folders: dict[Path, Path] = {}
    for target in (fetch_run(str(target)) if is_hub_run(target) else Path(target) for target in targets):
        if RunDirectory(target).results.is_file():
            inside = [target]
        else:
            inside = sorted(path.parent for path in target.rglob(RunDirectory(target).results.name))
        if not inside:
            raise DataError(
                f"'{target}' is no finished run, and holds none: there is no results.json in it. Make one "
                "with `avprompt run METHOD`, or name another folder."
            )
        folders |= {folder.resolve(): folder for folder in inside}
    return list(folders.values())


def report_path(runs: Sequence[Path], output: Path | None) -> Path:
    """Return where the page of some runs goes: into the run directory of one, beside those of several.

    Raises:
        ConfigError: somebody's page is there.
    """
    folder = output or (runs[0] if len(runs) == 1 else RUNS / "report")
    path = folder / PAGE
    if folder.is_file() or (path.exists() and GENERATOR not in read_text(path)[:2000]):
        raise ConfigError(
            f"'{path}' cannot be written: a file is there that is no report. Choose another --output."
        )
    return path


def write_page(
    runs: Sequence[Path], path: Path, *, protocol: str | None = None, splits: Sequence[str] = ()
) -> Path:
    """Write the page of some finished runs.

    Args:
        runs: their folders.
        path: of the page.
        protocol: by which several are ranked; their headline unless given.
        splits: that are shown; all unless given.

    Raises:
        AvpromptError: no finished run, a damaged one, or nothing to show.
    """
    text = page(runs, protocol=protocol, splits=splits)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def page(runs: Sequence[Path], *, protocol: str | None = None, splits: Sequence[str] = ()) -> str:
    """Return the page as HTML; see `write_page`."""
    boards = leaderboards(group_seeds(runs), protocol=protocol, splits=splits)
    pages = [run_page(folder, f"run-{number}", splits) for number, folder in enumerate(runs, start=1)]
    first = pages[0].result
    title = f"{first.method} on {first.dataset}" if len(pages) == 1 else f"{len(pages)} runs"
    return rendered(
        "page.html",
        title=title,
        version=__version__,
        boards=boards,
        runs=pages,
        anchors={shown.folder: shown.anchor for shown in pages},
        several=len(pages) > 1,
    )
