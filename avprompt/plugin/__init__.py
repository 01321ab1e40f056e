"""What the author of a plugin needs: hooks, interfaces, option tables, records."""

from avprompt.plugin.hookspecs import Register, hookimpl

__all__ = ["Register", "hookimpl"]
