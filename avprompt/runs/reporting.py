"""What a run tells whoever watches it; `avprompt.cli.progress` shows it as bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from avprompt.training.state import StepReport


class Reporter(Protocol):
    """Whoever wants to show how a run gets on."""

    def training(self, method: str) -> AbstractContextManager[Callable[[StepReport], None]]:
        """Open a display of training steps."""

    def evaluating(self, split: str, samples: int) -> AbstractContextManager[Callable[[int], None]]:
        """Open a display of evaluated samples."""


class Quiet:
    """A reporter that shows nothing."""

    @contextmanager
    def training(self, method: str) -> Iterator[Callable[[StepReport], None]]:
        """Swallow training steps."""
        yield lambda step: None

    @contextmanager
    def evaluating(self, split: str, samples: int) -> Iterator[Callable[[int], None]]:
        """Swallow evaluated samples."""
        yield lambda images: None
