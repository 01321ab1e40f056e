"""Everything that the author of a plugin needs: `from avprompt.plugin import ContextPrompt, hookimpl`.

`help(avprompt.plugin.Protocol)` says what a protocol promises, and so on. The table of hooks in
CONTRIBUTING.md names the interface of each kind of part, and `docs/examples` holds whole plugins.

What registering needs, the hooks and `WeightFile`, is here at once; all other names are those of `toolkit`,
imported when one is first asked for, so that a plugin which only registers never imports torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from avprompt.plugin.hookspecs import Register as Register
from avprompt.plugin.hookspecs import hookimpl as hookimpl
from avprompt.weights.files import WeightFile as WeightFile

if TYPE_CHECKING:
    from avprompt.plugin.toolkit import *  # noqa: F403


if not TYPE_CHECKING:  # for type checkers the names are those above, and no others

    def __getattr__(name: str) -> Any:
        toolkit = importlib.import_module("avprompt.plugin.toolkit")
        if name not in toolkit.__all__:
            raise AttributeError(
                f"avprompt.plugin has no '{name}'; its names are in avprompt/plugin/toolkit.py."
            )
        return getattr(toolkit, name)
