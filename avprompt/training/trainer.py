"""The training loop, one for all methods, on one device or many: step after step, and able to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from accelerate import Accelerator

from avprompt.config.training_options import TrainingOptions
from avprompt.data.inputs import InputSpec
from avprompt.distributed import Ranks, ranks
from avprompt.errors import DataError, TrainingError
from avprompt.features.encoding import Encoding
from avprompt.model.method import Method
from avprompt.records import Sample
from avprompt.training.batches import ClipBatch, training_batches
from avprompt.training.callback import Callback
from avprompt.training.callbacks import Callbacks, Validate
from avprompt.training.guard import NOT_FINITE, NotFiniteError
from avprompt.training.interruption import Interruption, explain, handling
from avprompt.training.optimisation import Optimisation, total_steps
from avprompt.training.parts import Optimizer, Schedule
from avprompt.training.state import Journal, Progress, StepReport
from avprompt.training.step import TrainingStep


@dataclass(frozen=True)
class Trainer:
    """Trains a method on clips and leaves its log, and on the way its resume state, in `folder`.

    With several ranks, all of them run the same trainer on their share of every batch; the main one writes.

    Attributes:
        method: with weights read; moved to the accelerator's device.
        samples: the training split.
        spec: how the method takes its inputs.
        options: the training options of its configuration.
        seed: of shuffling, augmentation and noise.
        accelerator: device, precision and processes.
        folder: the run directory.
        encoding: the method's frozen encoders.
        schedule: of the learning rate, as the options name it.
        optimizer: likewise.
        callbacks: likewise, by name.
        validate: scores the validation split every `validate_every` steps.
        strict: stop at the first clip that cannot be read.
        save_every: steps between two resume states.
        on_step: called after every step.
    """

    method: Method
    samples: Sequence[Sample]
    spec: InputSpec
    options: TrainingOptions
    seed: int
    accelerator: Accelerator
    folder: Path
    encoding: Encoding
    schedule: Schedule
    optimizer: Optimizer
    callbacks: Mapping[str, Callback] = field(default_factory=dict)
    validate: Validate | None = None
    strict: bool = False
    save_every: int = 100
    on_step: Callable[[StepReport], None] = lambda report: None

    def run(self, *, resume: bool = False) -> Progress:
        """Train to the last step, and leave the state after it; who writes the checkpoint removes it then.

        Returns:
            How far training has come: with what was skipped on all ranks, and what callbacks say.

        Raises:
            TrainingError: a loss or gradient is not a number, or there is nothing to train or to train on.
            DataError: log or state cannot be written, or, with `strict`, a clip cannot be read.
            Interrupted: a signal has come; the step that it came in was finished first.
        """
        group, total = ranks(), total_steps(self.options, len(self.samples))
        check_trainable(self.method, self.samples)
        check_shares(self.options, group)
        self.method.to(self.accelerator.device).train()
        optimisation = Optimisation.of(
            self.method, self.options, self.schedule, self.optimizer, total, self.accelerator, group
        )
        journal = Journal(self.folder, self.method, optimisation, self.callbacks, writes=group.main)
        every, validate = self.options.validate_every, self.validate
        callbacks = Callbacks(self.callbacks, self.method, total, self.folder, group, every, validate)
        progress = journal.restore() if resume else Progress()
        step = TrainingStep(self.spec, self.encoding, optimisation, self.seed, group, self.folder)
        interruption = Interruption(group)
        with handling(interruption):
            callbacks.start(progress)
            self._train(step, journal, callbacks, progress, interruption)
            share_skipped(progress, group)
            if not progress.trained:
                journal.begin(0)  # with nothing in it, the same command may begin again
            check_trained(progress)
            journal.save(progress)  # until there is a checkpoint, this is all that training has left
            interruption.check(progress.done, total)
            callbacks.end(progress)
        return progress

    def _train(
        self,
        step: TrainingStep,
        journal: Journal,
        callbacks: Callbacks,
        progress: Progress,
        interruption: Interruption,
    ) -> None:
        """Take every step that is left; whatever breaks off leaves the last whole step to go on from."""
        total = step.optimisation.total
        journal.begin(progress.done)
        try:
            validate_if_due(journal, callbacks, progress)  # broken off in a validation, it is taken up there
            for batches in self._batches(range(progress.done, total), step.ranks):
                if progress.stopped:
                    break
                self._note_skipped(batches, progress)
                self._take(step, batches, journal, callbacks, progress)
                validate_if_due(journal, callbacks, progress)
                interruption.check(progress.done, total)
                if progress.done % self.save_every == 0 and progress.done < total:
                    journal.save(progress)
        except BaseException as error:
            if progress.whole and progress.done:
                journal.save(progress)
            explain(error, progress.done, total)
            raise

    def _take(
        self,
        step: TrainingStep,
        batches: Sequence[ClipBatch],
        journal: Journal,
        callbacks: Callbacks,
        progress: Progress,
    ) -> None:
        """Take one step and tell of it; one without finite numbers is left out, and --resume passes it."""
        try:
            report = step(progress, batches)
        except NotFiniteError:
            journal.write_down(progress.leave_out(step.optimisation.total, NOT_FINITE))
            raise
        progress.trained |= not report.left_out
        callbacks.after_step(progress, report)
        journal.write_down(report)
        self.on_step(report)

    def _batches(self, steps: range, group: Ranks) -> Iterator[tuple[ClipBatch, ...]]:
        """Yield the batches of each step."""
        per_step = self.options.accumulate
        batches = training_batches(
            self.samples,
            self.spec,
            self.options,
            self.seed,
            range(steps.start * per_step, steps.stop * per_step),
            ranks=group,
            stored=self.encoding.stored,
            device=self.accelerator.device,
        )
        return zip(*[batches] * per_step, strict=True)

    def _note_skipped(self, batches: Sequence[ClipBatch], progress: Progress) -> None:
        skipped = [missing for clips in batches for missing in clips.skipped]
        if self.strict and skipped:
            raise DataError(f"Stopped at clip '{skipped[0].id}' (--strict): {skipped[0].reason}")
        progress.skipped.update({missing.id: missing for missing in skipped})


def validate_if_due(journal: Journal, callbacks: Callbacks, progress: Progress) -> None:
    """Score the validation split where that is due, and write the scores down beside the step's losses."""
    if (scores := callbacks.validate_if_due(progress)) is not None:
        journal.write_validation(progress.done - 1, scores)


def share_skipped(progress: Progress, group: Ranks) -> None:
    """Tell every rank what the others have skipped."""
    for skipped in group.objects(progress.skipped):
        progress.skipped.update(skipped)


def check_trained(progress: Progress) -> None:
    """Make sure that training has changed the method.

    Raises:
        TrainingError: every step was left out.
    """
    if progress.trained:
        return
    if progress.skipped:
        first = next(iter(progress.skipped.values()))
        raise TrainingError(f"No batch had two clips that can be read. '{first.id}': {first.reason}")
    raise TrainingError("Every step was left out, so nothing is trained. Use --precision no or bf16.")


def check_trainable(method: Method, samples: Sequence[Sample]) -> None:
    """Make sure that there is something to train, on something, towards something.

    Raises:
        TrainingError: there is not.
    """
    if not method.trainable_parameters():
        raise TrainingError("This method has no parameter to train; use `avprompt evaluate`.")
    if not any(loss.config.weight for name, loss in method.parts().items() if name.startswith("losses.")):
        raise TrainingError("This method has no loss with a weight, so there is nothing to train towards.")
    if len(samples) < 2:
        raise TrainingError(f"Training needs at least two clips to contrast; there are {len(samples)}.")


def check_shares(options: TrainingOptions, ranks: Ranks) -> None:
    """Make sure that a batch gives every rank enough clips.

    Raises:
        TrainingError: it does not.
    """
    share, least = options.batch_size // ranks.size, 2 if options.negatives == "local" else 1
    if share < least:
        clips = "two clips, which --negatives local contrasts" if least == 2 else "a clip"
        raise TrainingError(
            f"A batch of {options.batch_size} clips does not give each of {ranks.size} processes {clips}. "
            f"Use --batch-size {least * ranks.size} or more, or fewer processes."
        )
