"""What breaks training off: signals, which it obeys between two steps, and errors.

Elsewhere the same signals end a command at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from avprompt.errors import AvpromptError

if TYPE_CHECKING:
    from avprompt.distributed import Ranks

# Ctrl-C; what SLURM, Kubernetes and launchers send; a terminal that closes (not on Windows).
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

ADVICE = "A run that had begun training goes on with the same command and --resume."


class Interrupted(KeyboardInterrupt):
    """A signal asked the program to end.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


class Interruption:
    """Notes a signal that comes during a step, so that training ends after a whole one.

    Attributes:
        ranks: which all take the same steps, and so must all end after the same one.
        number: of the signal that came; 0 for none.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks, self.number = ranks, 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; a second Ctrl-C ends at once.

        Among several ranks it does not: launchers pass the Ctrl-C on that the ranks have had already.
        """
        if number == self.number == signal.SIGINT and self.ranks.size == 1:
            end_at_once(number, frame)
        self.number = self.number or number

    def check(self, done: int, total: int) -> None:
        """End if a signal has come to any rank; all ranks ask at the same time.

        Args:
            done: steps that are over.
            total: steps from the first to the last.

        Raises:
            Interrupted: one has.
        """
        number = max(self.ranks.objects(self.number))
        if number:
            raise Interrupted(
                number,
                f"Interrupted by {signal.Signals(number).name} after step {done} of {total}, which is saved. "
                "Training goes on from there with the same command and --resume.",
            )


def end_at_once(number: int, frame: FrameType | None) -> None:
    """Handle a signal by `Interrupted`, wherever the program is."""
    del frame
    raise Interrupted(number, f"Interrupted by {signal.Signals(number).name}. {ADVICE}")


@contextmanager
def handling(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Give the signals that ask to end to a handler, and back afterwards.

    Signals that are ignored stay so, as under nohup, and so do those that the program around handles itself.
    Only the main thread may handle signals; in another nothing changes.
    """
    usual = (signal.SIG_DFL, signal.default_int_handler, end_at_once)
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in SIGNALS if main}
    ours = {number: previous for number, previous in before.items() if previous in usual}
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in ours.items():
            signal.signal(number, previous)


def explain(error: BaseException, done: int, total: int) -> None:
    """Note beside an error of the code, and not of the user, how training goes on."""
    if isinstance(error, AvpromptError | KeyboardInterrupt):
        return
    again = "with --resume goes on from the last whole step" if done else "begins it again"
    error.add_note(f"Training broke off after step {done} of {total}. The same command {again}.")
