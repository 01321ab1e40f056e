"""Methods side by side: the same data, seeds and schedule, differences to the first, one picture."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from avprompt.data.benchmark import PublishedScores
from avprompt.distributed import launched_rank
from avprompt.errors import DataError
from avprompt.files import replacing
from avprompt.metrics.statistics import Difference, paired_bootstrap
from avprompt.pictures.gallery import load_clips, write_comparison
from avprompt.plugin.discovery import Loaded
from avprompt.runs.assessment import threshold
from avprompt.runs.reporting import Reporter
from avprompt.runs.results import CONFIG_FILE, RunResult, read_results, read_rows
from avprompt.runs.run import execute
from avprompt.runs.session import Settings, is_run, open_session


@dataclass(frozen=True)
class ComparedMethod:
    """One method of a comparison: its finished runs, one for each seed."""

    name: str
    folders: tuple[Path, ...]
    results: tuple[RunResult, ...]

    def values(self, split: str, *path: str) -> list[float]:
        """Return a number of every run that has it, such as `("scores", "val-threshold", "cIoU")`."""
        found = []
        for result in self.results:
            table: Any = getattr(result, path[0]).get(split, {})
            for key in path[1:]:
                table = table.get(key, {}) if isinstance(table, dict) else {}
            if isinstance(table, int | float):
                found.append(float(table))
        return found


@dataclass(frozen=True)
class Comparison:
    """Contestants on one split of one dataset, under one protocol; the first is the reference."""

    dataset: str
    split: str
    protocol: str
    methods: tuple[ComparedMethod, ...]
    published: tuple[PublishedScores, ...]


def compare(
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
    methods = []
    for target in targets:
        if is_run(target):
            folders = [Path(target)]
        else:
            chosen = [replace(settings, seed=seed) for seed in seeds]
            folders = [_run(loaded, target, one, folder, reporter) for one in chosen]
        results = tuple(read_results(one) for one in folders)
        methods.append(ComparedMethod(_name(target, results[0]), tuple(folders), results))
    if len({method.name for method in methods}) < len(targets):  # as with a/run and b/run
        methods = [replace(one, name=target) for one, target in zip(methods, targets, strict=True)]
    comparison = _checked(loaded, methods, settings)
    if launched_rank() == 0:
        _write(comparison, folder)
    return comparison


def difference(comparison: Comparison, method: ComparedMethod) -> Difference | None:
    """Return how much higher than the first one's a method's cIoU is, sample by sample.

    A paired bootstrap over the test samples, each one's success averaged over seeds; in percent. None where
    the two did not score the same samples.
    """
    first = comparison.methods[0]
    before = _successes(first, comparison.split, comparison.protocol)
    after = _successes(method, comparison.split, comparison.protocol)
    if before.keys() != after.keys():
        return None
    ids = sorted(before)
    return paired_bootstrap(*(100 * np.array([each[name] for name in ids]) for each in (before, after)))


def _successes(method: ComparedMethod, split: str, protocol: str) -> dict[str, float]:
    """Return the share of runs in which each sample's IoU is at least 0.5, by id."""
    found: dict[str, list[bool]] = defaultdict(list)
    for folder in method.folders:
        for row in read_rows(folder / "samples.csv"):
            if row["split"] == split:
                found[row["id"]].append(float(row[protocol]) >= 50)
    return {name: sum(hits) / len(hits) for name, hits in found.items()}


def summary(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean, and the sample standard deviation where there are several values."""
    return mean(values), stdev(values) if len(values) > 1 else None


def _run(loaded: Loaded, method: str, settings: Settings, folder: Path, reporter: Reporter) -> Path:
    """Run a method into its own folder, or take up the run that is there."""
    target = folder / f"{Path(method).stem}-seed{settings.seed}"
    session = open_session(loaded, method, settings)
    resume = session.ranks.share((target / CONFIG_FILE).is_file())
    execute(session, target, resume=resume, reporter=reporter)
    session.ranks.wait()  # every rank reads what the main one has written
    return target


def _checked(loaded: Loaded, methods: list[ComparedMethod], settings: Settings) -> Comparison:
    """Make sure that one column means one thing: the same dataset, encoders, split and protocol."""
    first = methods[0].results[0]
    for method in methods:
        for result in method.results:
            for what in ("dataset", "encoders", "headline", "samples"):
                mine, theirs = getattr(first, what), getattr(result, what)
                if mine != theirs:
                    raise DataError(
                        f"'{methods[0].name}' and '{method.name}' cannot stand in one table: "
                        f"their {what} differ ({mine} and {theirs})."
                    )
    adapter = loaded.registry.load("datasets", first.dataset)
    split = next(iter(first.scores))
    published = tuple(one for one in adapter.published if one.split == split)
    return Comparison(first.dataset, split, first.headline[0], tuple(methods), published)


def _write(comparison: Comparison, folder: Path) -> None:
    """Write `compare.json` and `compare.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = {
        method.name: [result.model_dump(mode="json") for result in method.results]
        for method in comparison.methods
    }
    with replacing(folder / "compare.json") as temporary:
        temporary.write_text(json.dumps({"split": comparison.split, "runs": runs}, indent=2) + "\n")
    firsts = {method.name: method for method in comparison.methods}
    shown = {name: load_clips(method.folders[0]) for name, method in firsts.items()}
    if len({tuple(clip.id for clip in clips) for clips in shown.values()}) == 1:
        thresholds = {name: threshold(one.results[0], comparison.split) for name, one in firsts.items()}
        title = f"{' · '.join(shown)} on {comparison.dataset}"
        write_comparison(folder / "compare.png", shown, title, thresholds)


def _name(target: str, result: RunResult) -> str:
    """Call a method by its method, a YAML file by the file and a run by its folder."""
    return (
        Path(target).name if is_run(target) else Path(target).stem if Path(target).suffix else result.method
    )
