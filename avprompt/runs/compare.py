"""From methods to a comparison: run what is not run yet, and make sure that one column means one thing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from avprompt.config.method_config import check_names
from avprompt.distributed import launched_rank
from avprompt.errors import ConfigError
from avprompt.files import locked, replacing
from avprompt.pictures.gallery import load_clips, write_comparison
from avprompt.plugin.discovery import Loaded
from avprompt.runs.assessment import threshold
from avprompt.runs.comparable import check_comparable, check_planned, missing_splits
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.comparison import Across
from avprompt.runs.directory import RUNS, RunDirectory, check_nothing_lost, is_run, numbered
from avprompt.runs.planned import name_of, planned
from avprompt.runs.progress import Reporter
from avprompt.runs.results import read_results
from avprompt.runs.run import execute
from avprompt.runs.session import open_session
from avprompt.runs.settings import Settings, without_free
from avprompt.runs.side_by_side import Comparison

TABLE = "compare.json"
"""All numbers of a comparison, and what was compared."""


def comparison_folder(
    output: Path | None,
    targets: Sequence[str],
    settings: Settings,
    seeds: Sequence[int],
    encoders: Sequence[str] = (),
) -> Path:
    """Return where a comparison goes; the same comparison goes to the same folder again.

    Raises:
        ConfigError: `output` holds a comparison of others, or files of somebody.
    """
    compared = _compared(targets, settings, seeds, encoders)
    if output is None:
        first = RUNS / settings.dataset / "compare"
        return next(folder for folder in numbered(first) if _earlier(folder) in (None, compared))
    earlier = _earlier(output)
    if earlier is None:
        check_nothing_lost(output, "comparison", folders=False)  # its runs may be there already
    elif any(earlier.get(key) != compared.get(key) for key in ("methods", "seeds", "encoders")):
        raise ConfigError(
            f"'{output}' already holds a comparison of other methods or runs, see {TABLE} in it: "
            "choose another --output, or remove it."
        )
    return output


def _compared(
    targets: Sequence[str], settings: Settings, seeds: Sequence[int], encoders: Sequence[str]
) -> dict[str, Any]:
    """Return what tells a comparison from others, ready for JSON."""
    methods = [str(Path(target).resolve()) if Path(target).exists() else target for target in targets]
    compared = {"methods": methods, "seeds": [*seeds], "settings": without_free(settings.recorded())}
    return compared | ({"encoders": [*encoders]} if len(encoders) > 1 else {})


def _earlier(folder: Path) -> dict[str, Any] | None:
    """Return what was compared in a folder: None for nothing, an empty table where nobody can tell."""
    try:
        tables = json.loads((folder / TABLE).read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        return {}
    compared = tables.get("compared") if isinstance(tables, dict) else None
    return compared if isinstance(compared, dict) else {}


def compare_methods(
    loaded: Loaded,
    targets: Sequence[str],
    settings: Settings,
    seeds: Sequence[int],
    folder: Path,
    reporter: Reporter,
    *,
    encoders: Sequence[str] = (),
    across: Across | None = None,
    allow_different: bool = False,
) -> Comparison:
    """Run what is not run yet, and put all side by side.

    Args:
        loaded: plugins.
        targets: methods, YAML files or run directories.
        settings: of what must be run; its seed is replaced by each of `seeds`.
        seeds: one run a method for each.
        folder: where runs, table and picture go; finished runs in it are used again.
        reporter: shows how runs get on.
        encoders: sets to train every method with, a column each; none takes that of the settings.
        across: compare runs that differ in encoders; these are a row of the table then.
        allow_different: compare runs that differ in seeds, encoders, training or precision too.

    Raises:
        AvpromptError: a run fails, or runs that cannot be compared.
    """
    asked = tuple(dict.fromkeys(settings.evaluation.splits))
    finished = _apart({target: _finished(target) for target in targets if is_run(target)})
    by = next(iter(settings.evaluation.protocols), None) if len(finished) == len(targets) else None
    check = partial(
        check_comparable, splits=asked, protocol=by, across=across, allow_different=allow_different
    )
    if finished:  # before anything is trained
        check([*finished.values()])
    plans = _apart(_plans(loaded, targets, finished, settings, seeds, encoders))
    if len(finished) < len(targets):
        check_planned([*plans.values()], across=across, allow_different=allow_different)
    columns: dict[str, ComparedMethod] = {}
    for target in targets:
        if target in finished:
            columns[target] = finished[target]
        elif len(encoders) < 2:
            columns[target] = _run_all(loaded, target, settings, seeds, folder, reporter)
        else:
            columns |= _run_across(loaded, target, settings, seeds, encoders, folder, reporter)
    methods = tuple(_apart(columns).values())
    check(methods)
    missing = {} if asked else missing_splits(methods)
    splits = asked or tuple(split for split in missing if not missing[split])
    left_out = {split: without for split, without in missing.items() if without}
    comparison = Comparison(methods, splits, left_out, folder, across, by)
    if launched_rank() == 0:
        pictures = settings.evaluation.pictures > 0
        with locked(folder / ".lock"):
            _write(comparison, _compared(targets, settings, seeds, encoders), pictures=pictures)
    return comparison


def _plans(
    loaded: Loaded,
    targets: Sequence[str],
    finished: dict[str, ComparedMethod],
    settings: Settings,
    seeds: Sequence[int],
    encoders: Sequence[str],
) -> dict[str, ComparedMethod]:
    """Return the columns of a comparison as they will be, before anything is trained."""
    overrides = (*settings.overrides, *settings.training.overrides())
    plans: dict[str, ComparedMethod] = {}
    for target in targets:
        if target in finished:
            plans[target] = finished[target]
            continue
        for name in encoders or (settings.encoders,):
            check_names(loaded.registry, target, name, overrides)
            plan = planned(loaded, target, settings, seeds, name)
            of_set = f" ({name})" if len(encoders) > 1 else ""
            plans[target + of_set] = replace(plan, name=plan.name + of_set)
    return plans


def _apart(methods: dict[str, ComparedMethod]) -> dict[str, ComparedMethod]:
    """Name methods as the user did where their own names are the same, as with a/run and b/run."""
    if len({method.name for method in methods.values()}) == len(methods):
        return methods
    return {target: replace(method, name=target) for target, method in methods.items()}


def _finished(target: str) -> ComparedMethod:
    """Return a finished run, named by its folder."""
    return ComparedMethod(Path(target).name, (Path(target),), (read_results(Path(target)),), finished=True)


def _run_all(
    loaded: Loaded, target: str, settings: Settings, seeds: Sequence[int], folder: Path, reporter: Reporter
) -> ComparedMethod:
    """Run a method with every seed; it is named by itself, a YAML file by the file."""
    folders = [
        _run(loaded, target, settings.model_copy(update={"seed": seed}), folder, reporter) for seed in seeds
    ]
    results = tuple(read_results(run) for run in folders)
    return ComparedMethod(name_of(target, results[0]), tuple(folders), results)


def _run_across(
    loaded: Loaded,
    target: str,
    settings: Settings,
    seeds: Sequence[int],
    encoders: Sequence[str],
    folder: Path,
    reporter: Reporter,
) -> dict[str, ComparedMethod]:
    """Run a method with every encoder set, each in a folder of its own; both are named by the set."""
    columns = {}
    for name in encoders:
        with_set = settings.model_copy(update={"encoders": name})
        method = _run_all(loaded, target, with_set, seeds, folder / name, reporter)
        columns[f"{target} ({name})"] = replace(method, name=f"{method.name} ({name})")
    return columns


def _run(loaded: Loaded, method: str, settings: Settings, folder: Path, reporter: Reporter) -> Path:
    """Run a method into its own folder, or take up the run that is there."""
    directory = RunDirectory(folder / f"{Path(method).stem}-seed{settings.seed}")
    session = open_session(loaded, method, settings)
    resume = session.ranks.share(directory.config.is_file())
    execute(session, directory, resume=resume, reporter=reporter)
    session.ranks.wait()  # every rank reads what the main one has written
    return directory.path


def _write(comparison: Comparison, compared: dict[str, Any], *, pictures: bool) -> None:
    """Write `compare.json`, and `compare.png` where all methods show the same clips."""
    runs = {
        method.name: [result.model_dump(mode="json") for result in method.results]
        for method in comparison.methods
    }
    tables = {
        "compared": compared,
        "across": comparison.across,
        "split": comparison.split,
        "splits": comparison.splits,
        "left_out": comparison.left_out,
        "runs": runs,
    }
    with replacing(comparison.folder / TABLE) as temporary:
        temporary.write_text(json.dumps(tables, indent=2) + "\n")
    clips = {method.name: load_clips(method.folders[0]) for method in comparison.methods} if pictures else {}
    shown = {tuple(clip.id for clip in clips_of_method) for clips_of_method in clips.values()}
    if len(shown) == 1 and any(shown):
        thresholds = {
            method.name: threshold(method.results[0], comparison.split, comparison.protocol)
            for method in comparison.methods
        }
        title = f"{' · '.join(clips)} on {comparison.dataset}"
        write_comparison(comparison.picture, clips, title, thresholds)
