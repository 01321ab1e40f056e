"""avprompt from Python: what the commands do, with typed results and without a word on the screen.

`import avprompt` imports nothing heavy; the first use of one of these names does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Unpack

from avprompt.distributed import launched_rank
from avprompt.errors import AvpromptError as AvpromptError
from avprompt.errors import ConfigError
from avprompt.files import file_errors
from avprompt.localization.localizer import Localization as Localization
from avprompt.localization.localizer import Localizer
from avprompt.plugin.discovery import Loaded, load_plugins
from avprompt.report.export import export_run
from avprompt.report.page import find_runs, report_path, write_page
from avprompt.runs.applicable import check_untrained, comparison_options, encoder_sets
from avprompt.runs.compare import compare_methods, comparison_folder
from avprompt.runs.comparison import Across
from avprompt.runs.demo import Demo
from avprompt.runs.directory import RUNS, RunDirectory, is_run, unused
from avprompt.runs.finished import open_target
from avprompt.runs.localizer import open_localizer, threshold_of_run
from avprompt.runs.progress import Progress, Quiet, Reporter
from avprompt.runs.results import RunResult
from avprompt.runs.run import execute
from avprompt.runs.session import open_session
from avprompt.runs.settings import RunOptions, Settings
from avprompt.runs.side_by_side import Comparison
from avprompt.sweeps.result import SweepResult
from avprompt.sweeps.run import ledger_of, run_cells, sweep_folder
from avprompt.sweeps.sweep import asked_sweep
from avprompt.weights.files import locate
from avprompt.weights.hub_run import fetch_run, is_hub_run, push_run


@file_errors()
def load(
    method_or_run: str | Path,
    *,
    checkpoint: str | Path | None = None,
    encoders: str | None = None,
    overrides: Sequence[str] = (),
    plugins: Sequence[str | Path] = (),
    seconds: float | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["no", "bf16", "fp16"] = "no",
    trust: bool = False,
) -> Localizer:
    """Open a method, to localise sounds in images with it.

    Args:
        method_or_run: a run directory, or `hf:user/name` on the Hugging Face hub, which brings its checkpoint
            and encoders; or a method's registered name or YAML file.
        checkpoint: trained parts, where there is no run or others are wanted.
        encoders: encoder set; that of the run, or `published`.
        overrides: changes of the method, `part.option=value`.
        plugins: plugin files.
        seconds: how much of each sound is used, from its start; what the run was trained on, or 10.
        device: where to compute.
        precision: of encoders and decoder; `no` is float32.
        trust: load the plugin files that a run names, which runs their code.

    Raises:
        AvpromptError: something does not exist or does not fit; the message says what to do.
    """
    given: dict[str, Any] = {"encoders": encoders, "overrides": overrides, "plugins": plugins}
    options = {name: value for name, value in given.items() if value not in (None, (), [])}
    options |= {"device": device, "precision": precision}
    target = _target(method_or_run)
    method, trained, options = open_target(target, _path(checkpoint, "checkpoint"), options, trust=trust)
    settings = Settings.of(options)
    loaded = load_plugins(settings.plugins)
    if seconds is None and is_run(target):
        seconds = loaded.registry.load("datasets", settings.dataset).audio_seconds
    threshold = threshold_of_run(target) if is_run(target) else 0.5
    return open_localizer(loaded, method, settings, trained, seconds, threshold)


@file_errors()
def load_demo(
    *,
    seconds: float | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["no", "bf16", "fp16"] = "no",
) -> Localizer:
    """Open the small trained method that an installed encoder set brings; its `note` says what it lacks.

    Args:
        seconds: how much of each sound is used, from its start; what it was trained on unless given.
        device: where to compute.
        precision: of encoders and decoder; `no` is float32.

    Raises:
        AvpromptError: nothing that is installed brings one, or it does not fit.
    """
    loaded = load_plugins()
    demo = Demo.registered(loaded.registry)
    settings = Settings.of({"encoders": demo.encoders, "device": device, "precision": precision})
    seconds = demo.seconds if seconds is None else seconds
    checkpoint = locate(demo.checkpoint)
    localizer = open_localizer(loaded, demo.method, settings, checkpoint, seconds, demo.threshold)
    return replace(localizer, note=demo.note, advice=demo.advice)


@file_errors()
def run(
    method: str | Path,
    dataset: str = "toy",
    *,
    output: str | Path | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: bool = False,
    **options: Unpack[RunOptions],
) -> RunResult:
    """Train a method on a benchmark, score it, and leave a run directory; `avprompt run`.

    Args:
        method: a registered method or a YAML file.
        dataset: registered name of the benchmark.
        output: the run directory; `runs/DATASET/METHOD-seedN` unless given.
        checkpoint: trained parts to score instead of training.
        resume: go on with the run in the directory.
        progress: show bars on the standard error.
        **options: see `RunOptions`.

    Raises:
        AvpromptError: something does not exist or does not fit, or training cannot go on.
    """
    settings, target = Settings.of({"dataset": dataset, **options}), _target(method)
    named = RUNS / settings.dataset / f"{Path(target).stem}-seed{settings.seed}"
    directory = RunDirectory(_path(output, "output") or (named if resume else unused(named)))
    if launched_rank() == 0:  # the others might see what it has begun to write
        directory.claim(resume=resume)
    session = open_session(_plugins(settings), target, settings, _path(checkpoint, "checkpoint"))
    directory = session.ranks.share(directory)
    return execute(session, directory, resume=resume, reporter=_reporter(progress))


@file_errors()
def evaluate(
    run_or_method: str | Path,
    dataset: str | None = None,
    *,
    output: str | Path | None = None,
    checkpoint: str | Path | None = None,
    trust: bool = False,
    progress: bool = False,
    **options: Unpack[RunOptions],
) -> RunResult:
    """Score a finished run, or a method with a checkpoint, without training; `avprompt evaluate`.

    Args:
        run_or_method: a run directory, which brings its method, checkpoint, dataset and encoders; or a
            registered method or YAML file.
        dataset: registered name of the benchmark; that of the run, or `toy`.
        output: where results go; `runs/DATASET/METHOD-seedN-evaluated` unless given.
        checkpoint: trained parts.
        trust: load the plugin files that a run names, which runs their code.
        progress: show bars on the standard error.
        **options: see `RunOptions`.

    Raises:
        AvpromptError: something does not exist or does not fit, or nothing can be scored.
    """
    check_untrained(Settings.of({name: value for name, value in options.items() if value is not None}))
    given = dict(options) if dataset is None else {"dataset": dataset, **options}
    target, folder = _target(run_or_method), _path(output, "output")
    method, trained, given = open_target(target, _path(checkpoint, "checkpoint"), given, trust=trust)
    settings = Settings.of(given)
    session = open_session(_plugins(settings), method, settings, trained, trained=True)
    named = RUNS / settings.dataset / f"{session.method_config.name}-seed{settings.seed}-evaluated"
    directory = session.ranks.share(RunDirectory(folder or unused(named)))
    return execute(session, directory, evaluate_only=True, reporter=_reporter(progress))


@file_errors()
def compare(
    methods: Sequence[str | Path],
    dataset: str | None = None,
    *,
    seeds: Sequence[int] | None = None,
    across: Across | None = None,
    allow_different: bool = False,
    output: str | Path | None = None,
    progress: bool = False,
    **options: Unpack[RunOptions],
) -> Comparison:
    """Put methods side by side on the same data, seeds and schedule; `avprompt compare`.

    Args:
        methods: registered methods, YAML files or run directories; the first is the reference.
        dataset: registered name of the benchmark; that of finished runs, or `toy`.
        seeds: one run of each method for each; that of a finished run, or 0.
        across: `encoders` compares runs with different encoders; these are a row of the table then, and
            `encoders=["mini", "published"]` trains every method with each.
        allow_different: compare runs that differ in seeds, encoders, training or precision too; the table
            then says in what.
        output: where runs, table and picture go; `runs/DATASET/compare` unless given, with a number where
            other methods or runs were compared there.
        progress: show bars on the standard error.
        **options: see `RunOptions`; of what must be run. Data and encoders are those of a finished run
            where there is one. `splits` are also those of the tables, which else are all that every method
            has scored.

    Raises:
        AvpromptError: a run fails, or runs cannot be compared.
    """
    if isinstance(methods, str) or not isinstance(methods, Sequence) or not methods:
        raise ConfigError("compare takes a list of methods or runs, such as ['souple', 'acl-ssl'].")
    targets = [_target(method) for method in methods]
    encoders = encoder_sets(options.get("encoders"), across)
    options["encoders"] = encoders[0] if encoders else None
    given, seeds = comparison_options(targets, {"dataset": dataset, **options}, seeds)
    settings = Settings.of(given)
    folder = comparison_folder(_path(output, "output"), targets, settings, seeds, encoders)
    return compare_methods(
        _plugins(settings),
        targets,
        settings,
        seeds,
        folder,
        _reporter(progress),
        encoders=encoders,
        across=across,
        allow_different=allow_different,
    )


@file_errors()
def report(
    runs: Sequence[str | Path],
    *,
    output: str | Path | None = None,
    protocol: str | None = None,
    splits: Sequence[str] = (),
) -> Path:
    """Write finished runs as one page that needs nothing but itself; `avprompt report`.

    Args:
        runs: run directories, folders that hold some, or `hf:user/name` on the Hugging Face hub.
        output: folder of the page, `report.html`; the run directory of one run, `runs/report` for several.
        protocol: by which several runs are ranked; their headline unless given.
        splits: that are shown; all that were scored unless given.

    Returns:
        The page.

    Raises:
        AvpromptError: no finished run, a damaged one, nothing to show, or somebody's file in the way.
    """
    folders = find_runs([runs] if isinstance(runs, str | Path) else runs)
    path = report_path(folders, _path(output, "output"))
    return write_page(folders, path, protocol=protocol, splits=splits)


@file_errors()
def export(
    run: str | Path,
    output: str | Path | None = None,
    *,
    push: str | None = None,
    private: bool = False,
    licence: str | None = None,
) -> str:
    """Write a finished run as a folder for the Hugging Face hub, and put it there; `avprompt export`.

    Args:
        run: a run directory.
        output: the folder; it need not be kept where the run is pushed.
        push: the repository, `user/name`, if it is to be put on the hub.
        private: make the repository so that only its owner sees it.
        licence: of the trained parts, as the hub spells it, such as `apache-2.0`.

    Returns:
        The folder, or the address on the hub.

    Raises:
        AvpromptError: no finished run, a damaged one, somebody's files in the way, or the hub refuses.
    """
    source, folder = Path(_target(run)), _path(output, "output")
    if folder is None and push is None:
        raise ConfigError("Say where the export goes: --output DIR (output= in Python), or --push user/name.")
    with TemporaryDirectory() as unkept:
        exported = export_run(source, folder or Path(unkept), name=push, licence=licence)
        return str(exported) if push is None else push_run(exported, push, private=private)


@file_errors()
def sweep(
    targets: str | Path | Sequence[str | Path],
    *,
    over: Mapping[str, Sequence[Any]] | None = None,
    datasets: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    output: str | Path | None = None,
    ledger: str | Path | None = None,
    jobs: int = 1,
    redo: bool = False,
    done_only: bool = False,
    reference: str | None = None,
    progress: bool = False,
    **options: Unpack[RunOptions],
) -> SweepResult:
    """Run methods at every level of some factors; `avprompt sweep`.

    Args:
        targets: a registered sweep or its YAML file; or methods. What is given beside takes the place of what
            the sweep says.
        over: option -> values, each a factor.
        datasets: registered benchmarks; `toy` unless the sweep says otherwise.
        seeds: of the runs; 0 unless the sweep says otherwise.
        output: folder of the run directories; `runs/sweeps/NAME` unless given.
        ledger: csv file that finished runs are entered in, and taken from.
        jobs: runs at a time, each in a process of its own.
        redo: run again what was made by other code than today's.
        done_only: run nothing, and show what is in the ledger.
        reference: the condition that others are compared with, as tables name it; the first unless given.
        progress: show it on the standard error.
        **options: see `RunOptions`; of every run.

    Returns:
        Tables of all cells that are done, and what went wrong with others: a cell that fails stops no other.

    Raises:
        AvpromptError: something does not fit in a cell; then nothing is run.
    """
    loaded = load_plugins(Settings.of(options).plugins)
    chosen = asked_sweep(loaded, targets, over=over, datasets=datasets, seeds=seeds, **options)
    folder = _path(output, "output") or sweep_folder(chosen)
    rows = _path(ledger, "ledger") or ledger_of(chosen, folder)
    return run_cells(
        loaded,
        chosen,
        folder,
        rows,
        jobs=jobs,
        redo=redo,
        done_only=done_only,
        reference=reference,
        progress=progress,
    )


def _target(method_or_run: Any) -> str:
    if not isinstance(method_or_run, str | Path) or not str(method_or_run):
        raise ConfigError(
            "Name a registered method, a YAML file or a run directory, such as 'souple', not "
            f"{method_or_run!r}."
        )
    return str(fetch_run(str(method_or_run)) if is_hub_run(method_or_run) else method_or_run)


def _path(path: Any, option: str) -> Path | None:
    if path is None:
        return None
    if not isinstance(path, str | Path) or not str(path):
        raise ConfigError(f"{option} must be a path, not {path!r}; leave it out for none.")
    return Path(path)


def _plugins(settings: Settings) -> Loaded:
    return load_plugins(settings.plugins)


def _reporter(progress: bool) -> Reporter:
    return Progress() if progress else Quiet()
