"""Registering what one plugin has: its hooks checked, called, and undone where one fails."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TypeGuard

import pluggy

from avprompt.errors import PluginError, suggest
from avprompt.plugin.single_file import SingleFile
from avprompt.registry import KINDS, YAML_KINDS, Registry, is_place

HOOKS = tuple(f"register_{kind}" for kind in KINDS)
_NO_HOOK = """it has no hook, so nothing of it would be registered. Write one for each kind of part, such as
    from avprompt.plugin import hookimpl

    @hookimpl
    def register_prompts(register):
        register("mine", MyPrompt)"""


def register_plugin(
    manager: pluggy.PluginManager,
    registry: Registry,
    module: object,
    name: str,
    file: SingleFile | None = None,
) -> None:
    """Run one plugin's hooks; on any failure nothing of it stays.

    Args:
        manager: calls the hooks.
        registry: takes what they register.
        module: holds them.
        name: of the plugin.
        file: the plugin is, where it is a single one; it may register YAML that lies beside it.

    Raises:
        PluginError: it has no hook, or one that cannot be called.
        BaseException: whatever its hooks raise.
    """
    _check_hooks(module)
    if (other := manager.get_name(module)) is not None:
        raise PluginError(f"it is the same module as the plugin '{other}'. Remove one of the two.")
    try:
        manager.register(module, name=name)
        others = [plugin for plugin in manager.get_plugins() if plugin is not module]
        for kind in KINDS:
            _call_hook(manager.subset_hook_caller(f"register_{kind}", others), registry, kind, name, file)
    except BaseException:
        registry.remove_owner(name)
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise


def _call_hook(
    hook: pluggy.HookCaller, registry: Registry, kind: str, owner: str, file: SingleFile | None
) -> None:
    def register(name: str, target: object) -> None:
        if file is not None and kind in YAML_KINDS and _is_path(target):
            target = file.yaml(f"{KINDS[kind]} '{name}'", target)
        registry.add(kind, name, target, owner)

    if returned := hook(register=register):
        raise PluginError(
            f"its hook 'register_{kind}' returned {returned[0]!r}. It must call register(name, part) for "
            "each part and return nothing."
        )


def _is_path(target: object) -> TypeGuard[str | Path]:
    """Say whether what is registered is the path of a YAML file, and not the YAML or a place in a package."""
    if isinstance(target, str):
        return target.endswith((".yaml", ".yml")) and "\n" not in target and not is_place(target)
    return isinstance(target, Path)


def _check_hooks(module: object) -> None:
    """Make sure that a plugin has hooks that will be called; pluggy passes others over without a word."""
    functions = dict(inspect.getmembers(module, inspect.isroutine))
    marked = {name: function for name, function in functions.items() if hasattr(function, "avprompt_impl")}
    for name, function in functions.items():
        if name in HOOKS and name not in marked:
            raise PluginError(
                f"its function '{name}' is not marked as a hook. Write @hookimpl in the line above it, and "
                "`from avprompt.plugin import hookimpl`."
            )
        if name in marked and name not in HOOKS:
            raise PluginError(f"it has an unknown hook '{name}'. {suggest(name, HOOKS)}")
        if name in marked and list(inspect.signature(function).parameters) != ["register"]:
            raise PluginError(
                f"its hook '{name}{inspect.signature(function)}' must take one argument: {name}(register)."
            )
    if not marked:
        raise PluginError(_NO_HOOK)
