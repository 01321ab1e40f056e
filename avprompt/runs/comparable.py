"""Which runs may stand in one table: scored on the same samples against the same truths, and made alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from avprompt.config.tables import ENCODERS
from avprompt.errors import ConfigError, DataError, listed
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.comparison import Across
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import VALIDATION, RunResult, read_rows

Run = tuple[Path, RunResult]
"""A run directory and its results."""


def check_comparable(
    methods: Sequence[ComparedMethod],
    splits: Sequence[str] = (),
    *,
    protocol: str | None = None,
    across: Across | None = None,
    allow_different: bool = False,
) -> None:
    """Make sure that one column of a comparison means one thing.

    Args:
        methods: with their finished runs; the first is the reference.
        splits: that are compared, or none for all that all of them have scored.
        protocol: by which they are compared; their headline unless given, which must then be the same.
        across: they may differ in encoders, and in the recipes that come with these.
        allow_different: they may differ in encoders, training options, training data, precision and seeds.

    Raises:
        DataError: other data, samples, truths or protocols, or no split that all have scored.
        ConfigError: runs that were not made alike.
    """
    for method in methods:
        if not method.results[0].scores:
            raise DataError(f"'{method.name}' has no scores to compare: none of its clips has a truth.")
    runs = [*_runs(methods)]
    _, reference = runs[0]
    _check_headlines(runs, protocol)
    for split in splits or _shared(methods):
        for names, run in runs:
            _check_split(names, split, reference, run)
            _check_protocol(run, split, protocol)
    _check_recipes(methods, across, allow_different=allow_different)


def check_planned(
    methods: Sequence[ComparedMethod], *, across: Across | None = None, allow_different: bool = False
) -> None:
    """Make sure of what is known before the first is trained: headlines, seeds, encoders and recipes.

    Args:
        methods: with their finished runs, or with those that they will have; the first is the reference.
        across: as for `check_comparable`.
        allow_different: likewise.

    Raises:
        DataError: other data or another headline.
        ConfigError: runs that would not be made alike.
    """
    _check_headlines([*_runs(methods)])
    _check_recipes(methods, across, allow_different=allow_different)


def missing_splits(methods: Sequence[ComparedMethod]) -> dict[str, list[str]]:
    """Return which methods have not scored a split with every run, by each split that some run scored."""
    results = [result for method in methods for result in method.results]
    return {
        split: [method.name for method in methods if split not in method.splits]
        for split in dict.fromkeys(split for result in results for split in result.scores)
    }


def _shared(methods: Sequence[ComparedMethod]) -> list[str]:
    """Return the splits that all have scored, of which there must be one."""
    splits = [split for split, without in missing_splits(methods).items() if not without]
    if not splits:
        scored = ", ".join(f"'{method.name}' has {listed(method.splits) or 'none'}" for method in methods)
        raise DataError(f"There is no split that all have scored: {scored}. Score one with all of them.")
    return splits


def _runs(methods: Sequence[ComparedMethod]) -> Iterator[tuple[str, Run]]:
    """Yield every run, and how a message about it and the reference begins."""
    for method in methods:
        for run in zip(method.folders, method.results, strict=True):
            same = method is methods[0]
            names = f"The runs of '{method.name}'" if same else f"'{methods[0].name}' and '{method.name}'"
            yield f"{names} cannot stand in one table", run


def _check_headlines(runs: Sequence[tuple[str, Run]], protocol: str | None = None) -> None:
    """Make sure that all runs are of one dataset, and stand for it by one protocol and metric."""
    _, (_, reference) = runs[0]
    for names, (_, result) in runs:
        for what in ("dataset",) if protocol else ("dataset", "headline"):
            _check_equal(names, what, getattr(reference, what), getattr(result, what))


def _check_recipes(
    methods: Sequence[ComparedMethod], across: Across | None, *, allow_different: bool
) -> None:
    """Make sure that runs were made alike, unless they may differ."""
    if not allow_different:
        for before, after in combinations(methods, 2):  # the first may train nothing, and so agree with all
            _check_alike(before, after, across)


def _check_split(names: str, split: str, ours: Run, theirs: Run) -> None:
    """Make sure that two runs have scored the same split."""
    for folder, result in (ours, theirs):
        if split not in result.scores:
            raise DataError(
                f"'{folder}' has no scores of '{split}', only of {listed([*result.scores])}: "
                f"`avprompt evaluate {folder} --split {split}`, and compare what that leaves."
            )
    _check_digests(names, split, ours, theirs)
    _check_equal(names, "samples", ours[1].samples[split], theirs[1].samples[split])


def _check_protocol(run: Run, split: str, protocol: str | None) -> None:
    """Make sure that a run was scored by a protocol, if one is asked for."""
    folder, result = run
    if protocol and protocol not in result.scores[split]:
        raise DataError(
            f"'{folder}' was not scored by '{protocol}', only by {', '.join(result.scores[split])}: "
            f"`avprompt evaluate {folder} --protocol {protocol}`, and compare what that leaves."
        )


def _check_alike(first: ComparedMethod, method: ComparedMethod, across: Across | None) -> None:
    """Make sure that two methods' runs differ in nothing that is not the methods' own, nor asked for."""
    differences = [*_differences(first, method, across)]
    if differences:
        shown = ", ".join(f"{name} ({ours} and {theirs})" for name, ours, theirs in differences)
        encoders = any(_of_encoders(name) for name, _, _ in differences)
        instead = "add --across encoders to compare different encoders, " if encoders else ""
        raise ConfigError(
            f"'{first.name}' and '{method.name}' were not made alike: {shown}. Make them alike, {instead}"
            "or add --allow-different: the table then says in what they differ."
        )


def _check_equal(names: str, what: str, ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise DataError(f"{names}: their {what} differ ({ours} and {theirs}).")


def _check_digests(names: str, split: str, ours: Run, theirs: Run) -> None:
    """Make sure that two runs were scored on the same samples against the same truths."""
    for folder, result in (ours, theirs):
        if split not in result.digests:
            raise DataError(
                f"'{folder}' keeps no digest of its samples, so nobody can tell whether others scored the "
                f"same. Score it again with `avprompt evaluate {folder}`, and compare what that leaves."
            )
    before, after = ours[1].digests, theirs[1].digests
    if before[split]["ids"] != after[split]["ids"]:
        raise DataError(
            f"{names}: they scored different samples of '{split}'. {_only(split, ours[0], theirs[0])}"
        )
    if before[split] != after[split]:
        raise DataError(
            f"{names}: they scored the same samples of '{split}' against different truths. "
            "Score both again with one annotation (`avprompt evaluate RUN --data-root DIR`)."
        )
    if before.get(VALIDATION) != after.get(VALIDATION):
        raise DataError(
            f"{names}: their thresholds were chosen on different samples or truths of the validation split. "
            "Score both again with the same validation split (`avprompt evaluate RUN --data-root DIR`)."
        )


def _only(split: str, *folders: Path) -> str:
    """Say which samples only one of two runs scored."""
    ids = [
        {row["id"] for row in read_rows(RunDirectory(folder).samples) if row["split"] == split}
        for folder in folders
    ]
    sentences = []
    for folder, own, other in zip(folders, ids, reversed(ids), strict=True):
        names = sorted(own - other)
        if names:
            sentences.append(f"Only '{folder}' has {listed(names)}.")
    return " ".join([*sentences, "Score both on the same clips."])


def _differences(
    first: ComparedMethod, method: ComparedMethod, across: Across | None
) -> Iterator[tuple[str, Any, Any]]:
    """Yield in what two methods' runs differ beside what is the methods' own.

    A method may come with a recipe of its own. Encoders are nobody's own, nor is what the user asked for,
    and two finished runs of one method share its recipe. Across encoders these may differ, and with them the
    recipe, as a part of it comes with them.
    """
    if first.seeds != method.seeds:
        yield "seed", first.shown_seeds, method.shown_seeds
    ours, theirs = first.recipe, method.recipe
    one_recipe = first.finished and method.finished and first.results[0].method == method.results[0].method
    if across == "encoders" and first.results[0].encoders != method.results[0].encoders:
        one_recipe = False
    for name in [name for name in ours.options if name in theirs.options]:
        if ours.options[name] == theirs.options[name]:
            continue
        if _of_encoders(name):
            if across != "encoders":
                yield name, ours.options[name], theirs.options[name]
        elif one_recipe or ours.asked.get(name) != theirs.asked.get(name):
            yield name, ours.options[name], theirs.options[name]


def _of_encoders(name: str) -> bool:
    """Say whether an option is the encoder set, or an option of an encoder."""
    return name.split(".")[0] in ("encoders", *ENCODERS)
