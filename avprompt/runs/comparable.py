"""Which runs may stand in one table: scored on the same samples against the same truths, and made alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from avprompt.config.tables import ENCODERS
from avprompt.errors import ConfigError, DataError, listed
from avprompt.runs.comparison import ComparedMethod
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import VALIDATION, RunResult, read_rows

Run = tuple[Path, RunResult]
"""A run directory and its results."""


def check_comparable(methods: Sequence[ComparedMethod], *, allow_different: bool) -> None:
    """Make sure that one column of a comparison means one thing.

    Args:
        methods: with their finished runs; the first is the reference, and its first split is compared.
        allow_different: they may differ in encoders, training options, training data, precision and seeds.

    Raises:
        DataError: other data, samples, truths or protocols.
        ConfigError: runs that were not made alike.
    """
    for method in methods:
        if not method.results[0].scores:
            raise DataError(f"'{method.name}' has no scores to compare: none of its clips has a truth.")
    first, *others = methods
    reference, split = first.results[0], first.split
    for method in methods:
        for folder, result in zip(method.folders, method.results, strict=True):
            names = f"'{first.name}' and '{method.name}' cannot stand in one table"
            for what in ("dataset", "headline"):
                _check_equal(names, what, getattr(reference, what), getattr(result, what))
            if split not in result.scores:
                raise DataError(f"{names}: '{folder}' has no scores of the split '{split}'.")
            _check_digests(names, split, (first.folders[0], reference), (folder, result))
            _check_equal(names, "samples", reference.samples[split], result.samples[split])
    for method in [] if allow_different else others:
        differences = [f"{name} ({ours} and {theirs})" for name, ours, theirs in _differences(first, method)]
        if differences:
            raise ConfigError(
                f"'{first.name}' and '{method.name}' were not made alike: {', '.join(differences)}. "
                "Make them alike, or add --allow-different: the table then says in what they differ."
            )


def _check_equal(names: str, what: str, ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise DataError(f"{names}: their {what} differ ({ours} and {theirs}).")


def _check_digests(
    names: str, split: str, ours: tuple[Path, RunResult], theirs: tuple[Path, RunResult]
) -> None:
    """Make sure that two runs were scored on the same samples against the same truths."""
    for folder, result in (ours, theirs):
        if split not in result.digests:
            raise DataError(
                f"{names}: '{folder}' keeps no digest of its samples, so nobody can tell whether they are "
                f"the same. Score it again with `avprompt evaluate {folder}`, and compare what that leaves."
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


def _differences(first: ComparedMethod, method: ComparedMethod) -> Iterator[tuple[str, Any, Any]]:
    """Yield in what two methods' runs differ beside what is the methods' own.

    A method may come with a recipe of its own. Encoders are nobody's own, nor is what the user asked for,
    and two finished runs of one method share its recipe.
    """
    if first.seeds != method.seeds:
        yield "seed", first.shown_seeds, method.shown_seeds
    one_method = first.finished and method.finished and first.results[0].method == method.results[0].method
    ours, theirs = first.recipe, method.recipe
    for name in [name for name in ours.options if name in theirs.options]:
        if ours.options[name] != theirs.options[name]:
            about_encoders = name.split(".")[0] in ("encoders", *ENCODERS)
            if one_method or about_encoders or ours.asked.get(name) != theirs.asked.get(name):
                yield name, ours.options[name], theirs.options[name]
