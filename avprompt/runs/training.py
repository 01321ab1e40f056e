"""The training of a run: the checkpoint that it leaves, and the record of how much was trained."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from avprompt import __version__
from avprompt.errors import DataError
from avprompt.records import Missing, Split
from avprompt.runs.directory import RunDirectory
from avprompt.runs.progress import Reporter
from avprompt.runs.results import Counts, Training, read_results, read_skipped, write_skipped
from avprompt.runs.session import Session
from avprompt.runs.tracking import Tracker
from avprompt.runs.validation import validation
from avprompt.training.build import build_callbacks, build_optimizer, build_schedule
from avprompt.training.callback import Callback
from avprompt.training.optimisation import total_steps
from avprompt.training.state import Progress, read_log
from avprompt.training.trainer import Trainer
from avprompt.weights.checkpoint import (
    checkpoint_formats,
    checkpoint_metadata,
    load_checkpoint,
    save_checkpoint,
)
from avprompt.weights.files import measured_sha256


def train(
    session: Session,
    split: Split,
    directory: RunDirectory,
    *,
    resume: bool,
    reporter: Reporter,
    tracker: Tracker | None = None,
) -> list[Missing]:
    """Train and leave the checkpoint; returns the clips that could not be used."""
    if session.ranks.share(resume and directory.checkpoint.is_file()):  # only evaluation was not finished
        load_checkpoint(session.method, directory.checkpoint)
        _end_training(session, directory)
        return read_skipped(directory.skipped).get("train", [])
    registry, options = session.loaded.registry, session.method_config.training
    callbacks: dict[str, Callback] = build_callbacks(registry, options)
    if tracker is not None:
        callbacks["--track"] = tracker  # no callback of a plugin can have this name
    with reporter.training(session.method_config.name) as on_step:
        trainer = Trainer(
            session.method,
            split.samples,
            session.spec,
            options,
            session.settings.seed,
            session.accelerator,
            directory.path,
            encoding=session.encoding,
            schedule=build_schedule(registry, options),
            optimizer=build_optimizer(registry, options),
            callbacks=callbacks,
            validate=validation(session),
            strict=session.settings.strict,
            on_step=on_step,
        )
        progress = trainer.run(resume=session.ranks.share(resume and directory.resume.is_file()))
    skipped = [*split.missing, *progress.skipped.values()]
    if session.ranks.main:
        write_skipped(directory.skipped, {"train": skipped})
    save(session, directory, progress)
    _end_training(session, directory)
    return skipped


def save(session: Session, directory: RunDirectory, progress: Progress | None = None) -> None:
    """Write the trained parts with the method they belong to, once for all ranks.

    What callbacks say of the training goes with them: results may be made later, of the checkpoint alone.
    """
    if session.ranks.main:
        about = {"method": session.method_config.name, "encoders": session.encoders, "avprompt": __version__}
        if progress is not None and progress.notes:
            about |= {"steps": str(progress.done), "notes": json.dumps(progress.notes)}
        elif session.checkpoint is not None:
            about |= _told_of_training(session, session.checkpoint)
        save_checkpoint(session.method, directory.checkpoint, about)


def training_record(
    session: Session, split: Split, directory: RunDirectory, skipped: Sequence[Missing]
) -> Training:
    """Return how much was trained, by the log, on a split of which some clips could not be used."""
    reasons = Counter(step["left_out"] for step in read_log(directory.path) if step["left_out"])
    about = checkpoint_metadata(directory.checkpoint)
    total = int(about.get("steps", total_steps(session.method_config.training, len(split.samples))))
    clips = Counts(used=split.expected - len(skipped), expected=split.expected)
    return Training(steps=total - reasons.total(), left_out=dict(reasons), clips=clips)


def training_notes(directory: RunDirectory) -> list[str]:
    """Return what callbacks have said of the training that the checkpoint came of."""
    notes: list[str] = json.loads(checkpoint_metadata(directory.checkpoint).get("notes", "[]"))
    return notes


def _told_of_training(session: Session, checkpoint: Path) -> dict[str, str]:
    """Return what a checkpoint tells of its training; one in the format of others tells nothing."""
    formats = checkpoint_formats(session.loaded.registry).values()
    if any(checkpoint.suffix in other.endings for other in formats):
        return {}
    about = checkpoint_metadata(checkpoint)
    return {key: about[key] for key in ("steps", "notes") if key in about}


def recorded_training(checkpoint: Path) -> Training | None:
    """Return how much a checkpoint was trained, where it lies beside the results of its run."""
    try:
        result = read_results(checkpoint.parent)
    except DataError:  # no results, or not those of a run: nothing is known
        return None
    return result.training if result.checkpoint_sha256 == measured_sha256(checkpoint) else None


def _end_training(session: Session, directory: RunDirectory) -> None:
    """Remove the state of training, now that the checkpoint holds what came of it."""
    if session.ranks.main:
        directory.resume.unlink(missing_ok=True)
