"""One run from names to a run directory: open, train, evaluate, write."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch

from avprompt import __version__
from avprompt.errors import EvaluationError
from avprompt.evaluation.breakdown import check_breakdown
from avprompt.evaluation.evaluator import Evaluator
from avprompt.evaluation.measure import MeasuredSamples, check_needs
from avprompt.records import Missing, Split
from avprompt.runs.applicable import check_clips
from avprompt.runs.assessment import assess
from avprompt.runs.directory import RunDirectory
from avprompt.runs.drawing import Drawing, draw, show
from avprompt.runs.dump import PredictionWriter, describe_dump
from avprompt.runs.plugin_files import check_unchanged, checksums, keep_copies
from avprompt.runs.progress import Quiet, Reporter
from avprompt.runs.published import published_scores
from avprompt.runs.results import RunResult, read_results, write_results
from avprompt.runs.session import Session
from avprompt.runs.tracking import Tracker, tracked
from avprompt.runs.training import recorded_training, save, train, training_notes, training_record
from avprompt.runs.validation import check_callbacks
from avprompt.training.trainer import check_trainable
from avprompt.weights.files import measured_sha256

NOTHING_TRAINED = "nothing is trained: the method is scored as it was built"
NO_WORDS = "the headline protocol scores altered sounds too, which words do not hear: words have no row"
UNSAID_CLASSES = "the audio encoder names what it hears in words that the backbone does not know"
RANDOM_DECODER = "the mask decoder has no pretrained weights: it started from random numbers"


def execute(
    session: Session,
    directory: RunDirectory,
    *,
    resume: bool = False,
    evaluate_only: bool = False,
    reporter: Reporter | None = None,
) -> RunResult:
    """Train (unless a checkpoint was given), evaluate and fill the run directory.

    Args:
        session: the method on its benchmark.
        directory: where everything goes.
        resume: go on with what is there.
        evaluate_only: do not train.
        reporter: shows how it gets on.

    Raises:
        AvpromptError: training cannot go on, or nothing can be scored.
    """
    ranks = session.ranks
    reporter = reporter if reporter and ranks.main else Quiet()
    if ranks.main:
        directory.claim(resume=resume)
        if directory.config.is_file():  # to go on with, or one that ended before it had begun
            directory.check_same(session.config_text())
            if directory.has_begun():
                check_unchanged(session.loaded, directory)
    finished = ranks.share(read_results(directory.path) if resume and directory.results.is_file() else None)
    if finished is not None:
        return finished
    trains = session.checkpoint is None and not evaluate_only and session.method.trainable_parameters() > 0
    train_split = session.training_split() if trains else None
    _check(session, train_split)
    held = directory.held(resume=resume) if ranks.main else nullcontext()
    with held, tracked(session, directory) as tracker:
        return _fill(session, directory, train_split, tracker, resume=resume, reporter=reporter)


def _fill(
    session: Session,
    directory: RunDirectory,
    train_split: Split | None,
    tracker: Tracker | None,
    *,
    resume: bool,
    reporter: Reporter,
) -> RunResult:
    """Train on a split where there is one, evaluate, and write everything."""
    ranks = session.ranks
    directory.path.mkdir(parents=True, exist_ok=True)
    if ranks.main:
        directory.write_config(session.config_text())
        keep_copies(session.loaded, directory)
    seconds: dict[str, float] = {}
    skipped: dict[str, list[Missing]] = {}
    training = recorded_training(session.checkpoint) if session.checkpoint is not None else None
    if train_split is not None:
        with _timed(seconds, "training"):
            skipped["train"] = train(
                session, train_split, directory, resume=resume, reporter=reporter, tracker=tracker
            )
    elif session.method.trained_parts():
        save(session, directory)
    else:
        reporter.untrained(session.method_config.name)
    with _timed(seconds, "evaluation"):
        result = evaluate(session, directory, reporter=reporter, skipped=skipped)
    result.seconds, result.folder = seconds, directory.path
    if ranks.main:
        if train_split is not None:
            training = training_record(session, train_split, directory, skipped["train"])
        result.training = training
        if session.method.trained_parts():
            result.notes += training_notes(directory)
            result.checkpoint_sha256 = measured_sha256(directory.checkpoint)
        if session.settings.evaluation.save_predictions:
            describe_dump(directory.predictions, result)
        write_results(result, directory.path)
        if tracker is not None:
            tracker.finish(result, directory.gallery)
    return result


def evaluate(
    session: Session,
    directory: RunDirectory,
    *,
    reporter: Reporter | None = None,
    skipped: dict[str, list[Missing]] | None = None,
) -> RunResult:
    """Score every test split, and write the tables and pictures beside the results.

    Ranks share the work, the main one writes, and all return the result.
    """
    settings, adapter, ranks = session.settings, session.adapter, session.ranks
    reporter, protocols, decoder = reporter or Quiet(), session.protocols(), session.pretrained_decoder()
    evaluator = Evaluator(
        session.encoding,
        session.spec,
        protocols,
        adapter.size,
        text_decoder=decoder,
        batch_size=settings.training.batch_size or session.method_config.training.batch_size,
        strict=settings.strict,
        gallery=settings.evaluation.pictures,
        clips=settings.evaluation.clips,
        seed=settings.seed,
        precision=session.accelerator.autocast,
        ranks=ranks,
        workers=session.method_config.training.workers,
    )
    save_predictions = settings.evaluation.save_predictions

    def measure(name: str, split: Split, *, altered: bool) -> MeasuredSamples:
        write = PredictionWriter(directory.predictions / name).write if save_predictions else None
        with reporter.evaluating(name, len(split.samples)) as on_batch:
            try:
                return evaluator.measure(split, altered=altered, write=write, on_batch=on_batch)
            except EvaluationError as error:
                raise EvaluationError(f"In the split '{name}': {error}") from error

    validation = None
    if adapter.validation_split:
        validation = measure(adapter.validation_split, adapter.split(adapter.validation_split), altered=False)
    splits = {name: adapter.split(name) for name in session.scored_splits()}
    measured = {name: measure(name, split, altered=True) for name, split in splits.items()}
    drawing = _drawing(session, directory, reporter)
    result = _empty(session)
    result.notes += adapter.notes if decoder else [*adapter.notes, RANDOM_DECODER]
    result.notes += [] if session.method.trained_parts() else [NOTHING_TRAINED]
    if ranks.main:
        by = settings.evaluation.by
        skipped = dict(skipped or {})
        if drawing:
            result.drawn, skipped["drawn"] = drawing.counts, list(drawing.missing)
        assess(result, directory, splits, measured, validation, protocols, by=by, skipped=skipped)
        tagger = decoder and session.method.audio_encoder.labels
        if decoder and protocols[0].conditions:
            result.notes.append(NO_WORDS)
        elif tagger and result.class_supervised.keys() != splits.keys():
            result.notes.append(UNSAID_CLASSES)
        if drawing and not splits:
            show(session, drawing, directory)
        result.published = published_scores(session, result)
    return ranks.share(result)


def _drawing(session: Session, directory: RunDirectory, reporter: Reporter) -> Drawing | None:
    """Draw every clip where the benchmark has them drawn and the user wants pictures."""
    name = session.adapter.drawn_split
    if name is None or not session.settings.evaluation.pictures:
        return None
    return draw(session, session.adapter.split(name), directory, reporter=reporter)


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
        checksums=session.method.checksums,
        plugin_files=checksums(session.loaded),
        headline=(headline.name, headline.headline),
    )


def _check(session: Session, train_split: Split | None) -> None:
    """Find what would fail after hours of training before it begins."""
    if train_split is not None:
        check_trainable(session.method, train_split.samples)
        check_callbacks(session)
    protocols = session.protocols()
    check_breakdown(protocols[0], session.settings.evaluation.by)
    for name in session.scored_splits():
        check_needs(protocols, session.adapter.split(name).samples[:1], session.settings.dataset)
    drawn = session.adapter.drawn_split
    shown = [*session.scored_splits(), *([drawn] if drawn else [])]
    check_clips(
        session.settings, (sample.id for name in shown for sample in session.adapter.split(name).samples)
    )


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - began, 1)
