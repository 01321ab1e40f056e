"""Which options act: what a command could only ignore is refused, and names what to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from avprompt.errors import ConfigError
from avprompt.runs.comparison import Across
from avprompt.runs.directory import RunDirectory, is_run
from avprompt.runs.results import read_results
from avprompt.runs.settings import Settings

_EVALUATION_TOO = ("batch_size", "training.workers")
"""Training options that evaluation goes by as well; its batches are no part of what was trained."""

_OF_FINISHED = ("dataset", "plugins", "pictures", "protocols", "splits")
"""All that a comparison of finished runs goes by."""

Options = Mapping[str, Any]


def check_untrained(settings: Settings) -> None:
    """Refuse training options where what is trained already is scored.

    Args:
        settings: those that the user gives, without what a run brings.

    Raises:
        ConfigError: there are some.
    """
    keys = [text.partition("=")[0].strip() for text in settings.overrides]
    names = [
        *settings.training.model_dump(exclude_none=True),
        *(key for key in keys if key.startswith("training.")),
    ]
    idle = [name for name in names if name not in _EVALUATION_TOO]
    _refuse(idle, "evaluate scores what is trained already")


def check_encoders(directory: RunDirectory, recorded: Settings, options: Options) -> None:
    """Refuse other encoders than those that the trained parts of a run belong to.

    Raises:
        ConfigError: others are asked for.
    """
    encoders = options.get("encoders")
    if encoders not in (None, recorded.encoders):
        raise ConfigError(
            f"The trained parts of '{directory}' belong to its own encoders, '{recorded.encoders}', and "
            f"cannot be used with '{encoders}'. Leave --encoders out, or train with those: `avprompt run`."
        )


def comparison_options(
    targets: Sequence[str], options: Options, seeds: Sequence[int] | None
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Return options and seeds of what must be run for a comparison.

    What is not given is as in the first finished run, so that methods are trained to stand beside it.

    Raises:
        ConfigError: options that cannot act, no seeds or none of a run, a target twice.
    """
    for target in targets:
        if targets.count(target) > 1:
            raise ConfigError(f"'{target}' is to be compared with itself: name it once.")
    if "seed" in options:
        raise ConfigError("compare has a run for each of several seeds: give seeds=[...] instead of seed=.")
    options_given = {name: value for name, value in options.items() if value is not None}
    runs = [Path(target) for target in targets if is_run(target)]
    if not runs:
        return {"dataset": "toy"} | options_given, _checked((0,) if seeds is None else seeds)
    if len(runs) == len(targets):
        if len(options_given.get("protocols", ())) > 1:
            raise ConfigError("Finished runs are compared by one protocol: name one with --protocol.")
        idle = [name for name in options_given if name not in _OF_FINISHED] + ["seeds"] * (seeds is not None)
        _refuse(idle, "only finished runs are compared, as they are")
    result, directory = read_results(runs[0]), RunDirectory(runs[0])
    dataset = options_given.get("dataset", result.dataset)
    if dataset != result.dataset:
        raise ConfigError(
            f"'{directory}' was scored on '{result.dataset}', not on '{dataset}': leave --dataset out, or "
            f"score it there first: `avprompt evaluate {directory} --dataset {dataset}`."
        )
    own: dict[str, Any] = {"dataset": result.dataset}
    if directory.config.is_file():
        recorded = directory.recorded()
        own |= {"data_root": recorded.data_root, "encoders": recorded.encoders}
        own["protocols"] = () if len(runs) == len(targets) else recorded.evaluation.protocols
    return own | options_given, _checked((result.seed,) if seeds is None else seeds)


def check_clips(settings: Settings, ids: Iterable[str]) -> None:
    """Make sure that the clips that are chosen for the gallery are there.

    Args:
        settings: of the run.
        ids: of all clips that can be shown; looked at where some are wanted.

    Raises:
        ConfigError: one is not, or there is to be no gallery.
    """
    wanted = settings.evaluation.clips
    if wanted and not settings.evaluation.pictures:
        raise ConfigError("--clips names clips of the gallery, and --pictures 0 wants none. Leave one out.")
    known = set(ids) if wanted else set()
    for clip in wanted:
        if clip not in known:
            raise ConfigError(
                f"--clips: no clip '{clip}' is among those that can be shown; ids are such as '{min(known)}'."
            )


def encoder_sets(encoders: Any, across: Any) -> tuple[str, ...]:
    """Return the encoder sets that every method of a comparison is to be trained with.

    Args:
        encoders: one set, a list of them, or None for that of a finished run or of the benchmark.
        across: what runs may differ in: `encoders`, or None.

    Raises:
        ConfigError: a set twice, several that were not asked for, or no such `across`.
    """
    if across not in (None, *get_args(Across)):
        raise ConfigError(
            f"Runs can be compared across {', '.join(get_args(Across))}, not across {across!r}."
        )
    if encoders is None:
        return ()
    sets = (encoders,) if isinstance(encoders, str) else encoders
    if not isinstance(sets, Sequence) or not sets or not all(isinstance(name, str) for name in sets):
        raise ConfigError(f"encoders must be an encoder set, or a list of some, not {encoders!r}.")
    if len(set(sets)) < len(sets):
        raise ConfigError(f"Each encoder set gives a column, so name it once (got {', '.join(sets)}).")
    if len(sets) > 1 and across is None:
        raise ConfigError(
            f"{len(sets)} encoder sets were given ({', '.join(sets)}): add --across encoders "
            "(across='encoders' in Python) to compare different encoders, or name one set."
        )
    return tuple(sets)


def _checked(seeds: Any) -> tuple[int, ...]:
    """Return seeds that are some, different, and seeds."""
    if isinstance(seeds, str | bytes) or not isinstance(seeds, Sequence) or not seeds:
        raise ConfigError(
            f"seeds must be a list of one or more whole numbers, such as [0, 1], not {seeds!r}."
        )
    checked = tuple(Settings.of({"seed": seed}).seed for seed in seeds)
    if len(set(checked)) < len(checked):
        raise ConfigError(f"Each seed gives one run, so name it once (got {', '.join(map(str, checked))}).")
    return checked


def _refuse(names: Sequence[str], because: str) -> None:
    if names:
        shown = ", ".join(f"'{name}'" for name in names)
        raise ConfigError(
            f"{shown} cannot act here: {because}. Leave {'it' if len(names) == 1 else 'them'} out."
        )
