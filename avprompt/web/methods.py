"""The methods that the page offers, each opened when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from avprompt.errors import ConfigError
from avprompt.localization.localizer import Localizer

Open = Callable[[str], Localizer]
"""Opens a run, a method's name or a YAML file; the empty text is the demo."""


class Methods:
    """Localizers by the name that the user gave.

    Attributes:
        names: in the order given.
    """

    def __init__(self, names: Sequence[str], open_method: Open) -> None:
        self.names = [*dict.fromkeys(names)]
        self._open, self._opened, self._lock = open_method, dict[str, Localizer](), Lock()

    def __getitem__(self, name: str) -> Localizer:
        """Return a localizer; others wait while it is opened.

        Raises:
            ConfigError: the page does not offer it.
            AvpromptError: it cannot be opened.
        """
        if name not in self.names:
            raise ConfigError(f"This page does not offer '{name}'.")
        with self._lock:
            if name not in self._opened:
                self._opened[name] = self._open(name)
            return self._opened[name]
