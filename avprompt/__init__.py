"""avprompt: a modular plugin toolkit for audio-visual prompt learning."""

from avprompt.hookspecs import Register, hookimpl

__all__ = ["Register", "__version__", "hookimpl"]

__version__ = "0.1.0"
