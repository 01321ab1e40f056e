"""What a run tells whoever watches it, and progress bars that show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from avprompt.errors import messages

if TYPE_CHECKING:
    from avprompt.training.state import StepReport


class Reporter(Protocol):
    """Whoever wants to show how a run gets on."""

    def training(self, method: str) -> AbstractContextManager[Callable[[StepReport], None]]:
        """Open a display of training steps."""

    def untrained(self, method: str) -> None:
        """Say that nothing of a method is trained."""

    def evaluating(self, split: str, samples: int) -> AbstractContextManager[Callable[[int], None]]:
        """Open a display of evaluated samples."""

    def drawing(self, clips: int) -> AbstractContextManager[Callable[[int], None]]:
        """Open a display of drawn clips."""


class Quiet:
    """A reporter that shows nothing."""

    @contextmanager
    def training(self, method: str) -> Iterator[Callable[[StepReport], None]]:
        """Swallow training steps."""
        yield lambda step: None

    def untrained(self, method: str) -> None:
        """Say nothing."""

    @contextmanager
    def evaluating(self, split: str, samples: int) -> Iterator[Callable[[int], None]]:
        """Swallow evaluated samples."""
        yield lambda images: None

    @contextmanager
    def drawing(self, clips: int) -> Iterator[Callable[[int], None]]:
        """Swallow drawn clips."""
        yield lambda clips: None


class Progress:
    """Shows a bar for each stage, with loss terms and throughput while training."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or messages()

    @contextmanager
    def training(self, method: str) -> Iterator[Callable[[StepReport], None]]:
        """Show training steps."""
        with self._bars() as bars:
            task = bars.add_task(f"train {method}", total=None, note="")

            def show(step: StepReport) -> None:
                terms = "  ".join(
                    f"{_short(name, step.losses)} {step.losses[name]:.2f}" for name in step.losses
                )
                note = step.left_out or f"{terms}  {step.clips_per_second:.0f} clips/s"
                bars.update(task, total=step.of, completed=step.step + 1, note=note)

            yield show

    def untrained(self, method: str) -> None:
        """Say it before the first bar."""
        self.console.print(f"{method}: nothing is trained, it is only scored", highlight=False, markup=False)

    @contextmanager
    def evaluating(self, split: str, samples: int) -> Iterator[Callable[[int], None]]:
        """Show evaluated samples."""
        with self.counting(f"score {split}", samples) as advance:
            yield advance

    @contextmanager
    def drawing(self, clips: int) -> Iterator[Callable[[int], None]]:
        """Show drawn clips."""
        with self.counting("draw", clips) as advance:
            yield advance

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show how many of `total` things are done."""
        with self._bars() as bars:
            task = bars.add_task(what, total=total, note="")
            yield lambda done: bars.advance(task, done)

    def _bars(self) -> Bars:
        return Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=self.console,
        )


def _short(name: str, names: Iterable[str]) -> str:
    """Shorten `feature-contrastive` to `feature` so that all terms fit on a line, but no two to one."""
    short = name.split("-")[0]
    return short if [other.split("-")[0] for other in names].count(short) == 1 else name
