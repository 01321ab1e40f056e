"""One run from names to a run directory: open, train, evaluate, write."""

from __future__ import annotations

import itertools
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import torch
import yaml

from avprompt import __version__
from avprompt.errors import ConfigError
from avprompt.evaluation.assessment import Assessment
from avprompt.evaluation.evaluator import Evaluator
from avprompt.evaluation.measure import Measured
from avprompt.evaluation.predictions import DUMP, Writer, describe_dump
from avprompt.files import replacing
from avprompt.records import Missing, Split
from avprompt.results import (
    CHECKPOINT_FILE,
    CONFIG_FILE,
    RESULTS_FILE,
    RunResult,
    read_results,
    write_results,
)
from avprompt.session import Session, Settings
from avprompt.train import RESUME_FILE, Step, Trainer, check_trainable
from avprompt.weights.checkpoint import load_checkpoint, save_checkpoint


class Reporter(Interface):
    """Whoever wants to show how a run gets on."""

    def training(self, method: str) -> AbstractContextManager[Callable[[Step], None]]:
        """Open a display of training steps."""

    def evaluating(self, split: str, samples: int) -> AbstractContextManager[Callable[[int], None]]:
        """Open a display of evaluated samples."""


class Quiet:
    """A reporter that shows nothing."""

    @contextmanager
    def training(self, method: str) -> Iterator[Callable[[Step], None]]:
        """Swallow training steps."""
        yield lambda step: None

    @contextmanager
    def evaluating(self, split: str, samples: int) -> Iterator[Callable[[int], None]]:
        """Swallow evaluated samples."""
        yield lambda images: None


def claim(folder: Path, *, resume: bool) -> None:
    """Make sure that a run directory may be written to.

    Raises:
        ConfigError: it holds another run, or there is nothing to resume.
    """
    if resume:
        if not (folder / CONFIG_FILE).is_file():
            raise ConfigError(f"--resume: there is no run in '{folder}'.")
    elif (folder / CONFIG_FILE).exists():
        raise ConfigError(
            f"'{folder}' already holds a run: add --resume to continue it, or choose another --output."
        )


def check_same(session: Session, folder: Path) -> None:
    """Make sure that the run in a folder is the one that is asked for.

    Raises:
        ConfigError: it has other options.
    """
    there, asked = (folder / CONFIG_FILE).read_text(encoding="utf-8"), config_text(session)
    if _comparable(there) != _comparable(asked):
        raise ConfigError(
            f"'{folder}' holds a run with other options: choose another --output, or remove it."
        )


def default_folder(method: str, settings: Settings, *, resume: bool) -> Path:
    """Return `runs/DATASET/METHOD-seedN`, numbered on when that is taken and not to be resumed."""
    first = Path("runs") / settings.dataset / f"{Path(method).stem}-seed{settings.seed}"
    if resume or not first.exists():
        return first
    numbered = (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))
    return next(folder for folder in numbered if not folder.exists())


def execute(
    session: Session,
    folder: Path,
    *,
    resume: bool = False,
    evaluate_only: bool = False,
    reporter: Reporter | None = None,
) -> RunResult:
    """Train (unless a checkpoint was given), evaluate and fill the run directory.

    Args:
        session: the method on its benchmark.
        folder: the run directory.
        resume: go on with what is there.
        evaluate_only: do not train.
        reporter: shows how it gets on.

    Raises:
        AvpromptError: training cannot go on, or nothing can be scored.
    """
    reporter = reporter or Quiet()
    claim(folder, resume=resume)
    if resume:
        check_same(session, folder)
        if (folder / RESULTS_FILE).is_file():
            return read_results(folder)
    seconds: dict[str, float] = {}
    skipped: dict[str, list[Missing]] = {}
    trains = session.checkpoint is None and not evaluate_only and session.method.trainable_parameters() > 0
    train_split = session.adapter.split(session.adapter.train_split) if trains else None
    if train_split is not None:
        check_trainable(session.method, train_split.samples)
    for name in session.scored_splits():  # a wrong name must show before hours of training
        session.adapter.split(name)
    folder.mkdir(parents=True, exist_ok=True)
    write_config(session, folder)
    if train_split is not None:
        began = time.perf_counter()
        skipped["train"] = train(session, train_split, folder, resume=resume, reporter=reporter)
        seconds["training"] = time.perf_counter() - began
    elif session.method.trained_parts():
        save(session, folder)
    began = time.perf_counter()
    result = evaluate(session, folder, reporter=reporter, skipped=skipped)
    seconds["evaluation"] = time.perf_counter() - began
    result.seconds = {name: round(value, 1) for name, value in seconds.items()}
    write_results(result, folder)
    return result


def train(session: Session, split: Split, folder: Path, *, resume: bool, reporter: Reporter) -> list[Missing]:
    """Train and leave the checkpoint; returns the clips that could not be used."""
    checkpoint = folder / CHECKPOINT_FILE
    if resume and checkpoint.is_file():  # training had finished, evaluation had not
        load_checkpoint(session.method, checkpoint)
        return list(split.missing)
    with reporter.training(session.composition.name) as on_step:
        trainer = Trainer(
            session.method,
            split.samples,
            session.view,
            session.composition.training,
            session.settings.seed,
            session.accelerator,
            folder,
            strict=session.settings.strict,
            on_step=on_step,
        )
        trainer.run(resume=resume and (folder / RESUME_FILE).is_file())
    save(session, folder)
    return [*split.missing, *trainer.skipped.values()]


def save(session: Session, folder: Path) -> None:
    """Write the trained parts with the method they belong to."""
    metadata = {"method": session.composition.name, "encoders": session.encoders, "avprompt": __version__}
    save_checkpoint(session.method, folder / CHECKPOINT_FILE, metadata)


def evaluate(
    session: Session,
    folder: Path,
    *,
    reporter: Reporter | None = None,
    skipped: dict[str, list[Missing]] | None = None,
) -> RunResult:
    """Score every test split, and write the tables and pictures beside the results."""
    reporter, adapter = reporter or Quiet(), session.adapter
    evaluator = Evaluator(
        session.method,
        session.view,
        session.protocols(),
        adapter.size,
        text_decoder=session.pretrained_decoder(),
        batch_size=session.composition.training.batch_size,
        strict=session.settings.strict,
        seed=session.settings.seed,
        precision=session.accelerator.autocast,
    )
    assessment = Assessment(_empty(session), session.protocols(), session.settings.by, dict(skipped or {}))

    def measure(name: str, split: Split, *, altered: bool) -> Measured:
        if session.settings.save_predictions:
            evaluator.keeper = Writer(folder / DUMP / name)
        with reporter.evaluating(name, len(split.samples)) as on_batch:
            evaluator.on_batch = on_batch
            return evaluator.measure(split, altered=altered)

    if adapter.validation_split:
        split = adapter.split(adapter.validation_split)
        assessment.validation = measure(adapter.validation_split, split, altered=False)
    for name in session.scored_splits():
        split = adapter.split(name)
        assessment.add(name, split, measure(name, split, altered=True))
    assessment.result.notes += adapter.notes
    assessment.write(folder)
    if session.settings.save_predictions:
        describe_dump(folder / DUMP, assessment.result)
    return assessment.result


def write_config(session: Session, folder: Path) -> None:
    """Write the resolved composition with the settings of the run; the file runs as a method."""
    with replacing(folder / CONFIG_FILE) as temporary:
        temporary.write_text(config_text(session), encoding="utf-8")


def config_text(session: Session) -> str:
    """Return what `config.yaml` says."""
    run = yaml.safe_dump({"run": session.settings.recorded()}, sort_keys=False, allow_unicode=True)
    return session.composition.to_yaml() + run


def _comparable(text: str) -> Any:
    """Return what a config.yaml says without what changes no number."""
    tables = yaml.safe_load(text)
    for key in ("device", "strict"):
        tables.get("run", {}).pop(key, None)
    return tables


def versions(session: Session) -> dict[str, str]:
    """Return the versions that the numbers depend on."""
    plugins = {f"plugin {name}": version for name, version in session.loaded.versions().items()}
    return {
        "avprompt": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **plugins,
    }


def _empty(session: Session) -> RunResult:
    headline = session.protocols()[0]
    return RunResult(
        method=session.composition.name,
        dataset=session.settings.dataset,
        encoders=session.encoders,
        seed=session.settings.seed,
        trainable_parameters=session.method.trainable_parameters(),
        versions=versions(session),
        samples={},
        scores={},
        floors={},
        ceilings={},
        audio_reliance={},
        checksums=session.checksums,
        headline=(headline.name, headline.headline),
    )
