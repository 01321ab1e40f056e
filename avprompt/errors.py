"""Errors meant for people: what was wrong, where, and what to do about it.

Everything that a user can cause derives from `AvpromptError`; the command line prints its text
and exits with status 1. Any other exception is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
import logging
import traceback
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

LOG = logging.getLogger("avprompt")
"""What goes on, for who asks: weights, devices and what is fetched, at the level INFO."""


class AvpromptError(Exception):
    """A mistake that the user can mend; the message says how."""


class UnknownNameError(AvpromptError):
    """A name that nobody registered, with the nearest registered ones."""


class ConfigError(AvpromptError):
    """An option that does not exist, or a value that does not fit it."""


class DataError(AvpromptError):
    """A benchmark folder or media file that is missing or cannot be read."""


class WeightsError(AvpromptError):
    """Weights that are missing, damaged, or belong to another model."""


class PluginError(AvpromptError):
    """A plugin that cannot be loaded or that breaks the rules of registration."""


class EvaluationError(AvpromptError):
    """An evaluation that cannot go on, such as a heatmap that is not of numbers."""


class TrainingError(AvpromptError):
    """A training run that cannot go on, such as a loss that is not a number."""


def messages() -> Console:
    """Return the standard error for bars and notes; silent where `LOG` lets no warnings through."""
    from rich.console import Console

    return Console(stderr=True, quiet=not LOG.isEnabledFor(logging.WARNING))


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest of the `known` words, or lists them all."""
    known = sorted(known)
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    return "Known: " + ", ".join(known) + "." if known else "None is registered."


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return the first names, at most so many, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def failure(error: BaseException, packages: Collection[str]) -> str:
    """Return what went wrong in code of others: type and text, and the last line of theirs that led to it.

    Args:
        error: whatever their code has raised.
        packages: top-level modules that are theirs.
    """
    text = f"{type(error).__name__}: {str(error) or 'no message'}"
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if str(frame.f_globals.get("__name__")).partition(".")[0] in packages:
            code = frame.f_code
            inside = "" if code.co_name == "<module>" else f", in {code.co_name}"
            return f"{text} ({Path(code.co_filename).name}, line {line}{inside})"
    return text
