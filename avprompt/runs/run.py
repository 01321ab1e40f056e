"""One run from names to a run directory: open, train, evaluate, write."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict
from pathlib import Path

import torch

from avprompt import __version__
from avprompt.evaluation.evaluator import Evaluator
from avprompt.evaluation.measure import Measured
from avprompt.records import Missing, Split
from avprompt.runs.assessment import Assessment
from avprompt.runs.directory import check_same, claim, write_config
from avprompt.runs.predictions import DUMP, Writer, describe_dump
from avprompt.runs.reporting import Quiet, Reporter
from avprompt.runs.results import (
    CHECKPOINT_FILE,
    RESULTS_FILE,
    SKIPPED_FILE,
    RunResult,
    read_results,
    read_skipped,
    write_results,
    write_skipped,
)
from avprompt.runs.session import Session
from avprompt.training.state import RESUME_FILE
from avprompt.training.trainer import Trainer, check_trainable
from avprompt.weights.checkpoint import load_checkpoint, save_checkpoint

RANDOM_DECODER = "the mask decoder has no pretrained weights: it started from random numbers"


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
    ranks = session.ranks
    reporter = reporter if reporter and ranks.main else Quiet()
    if ranks.main:
        claim(folder, resume=resume)
        if resume:
            check_same(session, folder)
    finished = ranks.share(read_results(folder) if resume and (folder / RESULTS_FILE).is_file() else None)
    if finished is not None:
        return finished
    seconds: dict[str, float] = {}
    skipped: dict[str, list[Missing]] = {}
    trains = session.checkpoint is None and not evaluate_only and session.method.trainable_parameters() > 0
    train_split = session.training_split() if trains else None
    if train_split is not None:
        check_trainable(session.method, train_split.samples)
    for name in session.scored_splits():  # a wrong name must show before hours of training
        session.adapter.split(name)
    folder.mkdir(parents=True, exist_ok=True)
    if ranks.main:
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
    if ranks.main:
        write_results(result, folder)
    return result


def train(session: Session, split: Split, folder: Path, *, resume: bool, reporter: Reporter) -> list[Missing]:
    """Train and leave the checkpoint; returns the clips that could not be used."""
    checkpoint, list_ = folder / CHECKPOINT_FILE, folder / SKIPPED_FILE
    if session.ranks.share(resume and checkpoint.is_file()):  # training had finished, evaluation had not
        load_checkpoint(session.method, checkpoint)
        return read_skipped(list_).get("train", [])
    with reporter.training(session.method_config.name) as on_step:
        trainer = Trainer(
            session.method,
            split.samples,
            session.spec,
            session.method_config.training,
            session.settings.seed,
            session.accelerator,
            folder,
            encoding=session.encoding,
            strict=session.settings.strict,
            on_step=on_step,
        )
        trainer.run(resume=session.ranks.share(resume and (folder / RESUME_FILE).is_file()))
    skipped = [*split.missing, *trainer.skipped.values()]
    if session.ranks.main:
        write_skipped(list_, {"train": skipped})
    save(session, folder)
    return skipped


def save(session: Session, folder: Path) -> None:
    """Write the trained parts with the method they belong to, once for all ranks."""
    if not session.ranks.main:
        return
    metadata = {"method": session.method_config.name, "encoders": session.encoders, "avprompt": __version__}
    save_checkpoint(session.method, folder / CHECKPOINT_FILE, metadata)


def evaluate(
    session: Session,
    folder: Path,
    *,
    reporter: Reporter | None = None,
    skipped: dict[str, list[Missing]] | None = None,
) -> RunResult:
    """Score every test split, and write the tables and pictures beside the results.

    Ranks share the work, the main one writes, and all return the result.
    """
    reporter, adapter, ranks = reporter or Quiet(), session.adapter, session.ranks
    decoder = session.pretrained_decoder()
    evaluator = Evaluator(
        session.method,
        session.spec,
        session.protocols(),
        adapter.size,
        text_decoder=decoder,
        batch_size=session.method_config.training.batch_size,
        strict=session.settings.strict,
        seed=session.settings.seed,
        precision=session.accelerator.autocast,
        gallery=session.settings.pictures,
        ranks=ranks,
        workers=session.method_config.training.workers,
        caches=session.encoding.caches,
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
        measured = measure(name, split, altered=True)
        if ranks.main:
            assessment.add(name, measured)
    assessment.result.notes += adapter.notes if decoder else [*adapter.notes, RANDOM_DECODER]
    if ranks.main:
        assessment.write(folder)
        if session.settings.save_predictions:
            describe_dump(folder / DUMP, assessment.result)
    return ranks.share(assessment.result)


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
    headline, method = session.protocols()[0], session.method_config.name
    return RunResult(
        method=method,
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
        published=[
            asdict(one) for one in session.adapter.published if one.method == session.method_config.name
        ],
        checksums=session.checksums,
        headline=(headline.name, headline.headline),
    )
