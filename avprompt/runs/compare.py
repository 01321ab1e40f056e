"""From methods to a comparison: run what is not run yet, and make sure that one column means one thing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from avprompt.distributed import launched_rank
from avprompt.errors import DataError
from avprompt.files import replacing
from avprompt.pictures.gallery import load_clips, write_comparison
from avprompt.plugin.discovery import Loaded
from avprompt.runs.assessment import threshold
from avprompt.runs.comparison import ComparedMethod, Comparison
from avprompt.runs.directory import RunDirectory, is_run
from avprompt.runs.progress import Reporter
from avprompt.runs.results import RunResult, read_results
from avprompt.runs.run import execute
from avprompt.runs.session import open_session
from avprompt.runs.settings import Settings


def compare_methods(
    loaded: Loaded,
    targets: Sequence[str],
    settings: Settings,
    seeds: Sequence[int],
    folder: Path,
    reporter: Reporter,
) -> Comparison:
    """Run what is not run yet, and put all side by side.

    Args:
        loaded: plugins.
        targets: methods, YAML files or run directories.
        settings: of what must be run; its seed is replaced by each of `seeds`.
        seeds: one run a method for each.
        folder: where runs, table and picture go; finished runs in it are used again.
        reporter: shows how runs get on.

    Raises:
        AvpromptError: a run fails, or runs that cannot be compared.
    """
    methods = [_compared(loaded, target, settings, seeds, folder, reporter) for target in targets]
    if len({method.name for method in methods}) < len(targets):  # as with a/run and b/run
        methods = [replace(method, name=target) for method, target in zip(methods, targets, strict=True)]
    _check(methods)
    first = methods[0].results[0]
    split = next(iter(first.scores))
    adapter = loaded.registry.load("datasets", first.dataset)
    published = tuple(scores for scores in adapter.published if scores.split == split)
    comparison = Comparison(first.dataset, split, first.headline[0], tuple(methods), published, folder)
    if launched_rank() == 0:
        _write(comparison)
    return comparison


def _compared(
    loaded: Loaded, target: str, settings: Settings, seeds: Sequence[int], folder: Path, reporter: Reporter
) -> ComparedMethod:
    """Return a method with its runs, named by itself, a YAML file by the file and a run by its folder."""
    if is_run(target):
        return ComparedMethod(Path(target).name, (Path(target),), (read_results(Path(target)),))
    folders = [
        _run(loaded, target, settings.model_copy(update={"seed": seed}), folder, reporter) for seed in seeds
    ]
    results = tuple(read_results(run) for run in folders)
    name = Path(target).stem if Path(target).suffix else results[0].method
    return ComparedMethod(name, tuple(folders), results)


def _run(loaded: Loaded, method: str, settings: Settings, folder: Path, reporter: Reporter) -> Path:
    """Run a method into its own folder, or take up the run that is there."""
    directory = RunDirectory(folder / f"{Path(method).stem}-seed{settings.seed}")
    session = open_session(loaded, method, settings)
    resume = session.ranks.share(directory.config.is_file())
    execute(session, directory, resume=resume, reporter=reporter)
    session.ranks.wait()  # every rank reads what the main one has written
    return directory.path


def _check(methods: Sequence[ComparedMethod]) -> None:
    """Make sure that one column means one thing: the same dataset, encoders, split and protocol."""
    for method in methods:
        for result in method.results:
            for what in ("dataset", "encoders", "headline", "samples"):
                _check_same(what, methods[0], method, result)


def _check_same(what: str, first: ComparedMethod, method: ComparedMethod, result: RunResult) -> None:
    expected, got = getattr(first.results[0], what), getattr(result, what)
    if expected != got:
        raise DataError(
            f"'{first.name}' and '{method.name}' cannot stand in one table: their {what} differ "
            f"({expected} and {got})."
        )


def _write(comparison: Comparison) -> None:
    """Write `compare.json`, and `compare.png` where all methods show the same clips."""
    comparison.folder.mkdir(parents=True, exist_ok=True)
    runs = {
        method.name: [result.model_dump(mode="json") for result in method.results]
        for method in comparison.methods
    }
    with replacing(comparison.folder / "compare.json") as temporary:
        temporary.write_text(json.dumps({"split": comparison.split, "runs": runs}, indent=2) + "\n")
    clips = {method.name: load_clips(method.folders[0]) for method in comparison.methods}
    if len({tuple(clip.id for clip in shown) for shown in clips.values()}) == 1:
        thresholds = {
            method.name: threshold(method.results[0], comparison.split) for method in comparison.methods
        }
        title = f"{' · '.join(clips)} on {comparison.dataset}"
        write_comparison(comparison.picture, clips, title, thresholds)
