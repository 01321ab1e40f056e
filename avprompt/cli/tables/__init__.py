"""Tables on the terminal; nothing here measures anything."""

from rich.console import Console

UNWRAPPED = 100_000
"""Columns of an output that is no terminal: more than any table has."""


def screen() -> Console:
    """Return the standard output: as wide as the terminal, or as its tables where it is a pipe or a file."""
    console = Console()
    return console if console.is_terminal else Console(width=UNWRAPPED)
