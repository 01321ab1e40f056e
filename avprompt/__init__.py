"""avprompt: a modular plugin toolkit for audio-visual prompt learning.

`load`, `load_demo`, `run`, `evaluate`, `compare`, `report`, `export` and `sweep` do what the commands
do; `avprompt.api` describes them. They are imported when first asked for: `import avprompt` and
`avprompt --help` need no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avprompt.api import compare, evaluate, export, load, load_demo, report, run, sweep
    from avprompt.errors import AvpromptError
    from avprompt.localization.localizer import Localization, Localizer
    from avprompt.runs.results import RunResult
    from avprompt.runs.settings import RunOptions
    from avprompt.runs.side_by_side import Comparison
    from avprompt.sweeps.result import SweepResult

__version__ = "0.1.0"

__all__ = [
    "AvpromptError",
    "Comparison",
    "Localization",
    "Localizer",
    "RunOptions",
    "RunResult",
    "SweepResult",
    "__version__",
    "compare",
    "evaluate",
    "export",
    "load",
    "load_demo",
    "report",
    "run",
    "sweep",
]

if not TYPE_CHECKING:  # type checkers know the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"avprompt has no '{name}'; it has {', '.join(__all__)}.")
        return getattr(importlib.import_module("avprompt.api"), name)

    def __dir__() -> list[str]:
        return __all__
