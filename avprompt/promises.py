"""What the class of a part promises: checked when it is loaded, and when it is built.

Each check ends in a `PluginError` that names the class, its file, the broken promise and what to write.
What parts return is checked in `avprompt.model.outputs`.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

from avprompt.errors import PluginError

# Kind of part -> the class that one of them derives from, by its place: listing names imports none of them.
INTERFACES = MappingProxyType(
    {
        "datasets": "avprompt.data.benchmark:BenchmarkAdapter",
        "backbones": "avprompt.model.parts:Backbone",
        "audio_encoders": "avprompt.model.parts:AudioEncoder",
        "projections": "avprompt.model.parts:AudioProjection",
        "prompts": "avprompt.model.prompt_generator:PromptGenerator",
        "decoders": "avprompt.model.parts:Decoder",
        "maskers": "avprompt.model.parts:Masker",
        "losses": "avprompt.model.parts:AlignmentLoss",
        "schedules": "avprompt.training.parts:Schedule",
        "optimizers": "avprompt.training.parts:Optimizer",
        "callbacks": "avprompt.training.callback:Callback",
        "protocols": "avprompt.metrics.protocol:Protocol",
        "checkpoint_formats": "avprompt.weights.checkpoint:CheckpointFormat",
    }
)


def check_class(what: str, part: object, kind: str) -> None:
    """Check that a part is a class of its kind's interface, with every method, as it will be called.

    Args:
        what: the part is, for messages.
        part: whatever a plugin registered.
        kind: of part, one of `INTERFACES`.

    Raises:
        PluginError: it is not.
    """
    module, _, name = INTERFACES[kind].partition(":")
    interface = getattr(importlib.import_module(module), name)
    if not (isinstance(part, type) and issubclass(part, interface)):
        raise PluginError(
            f"{what} must be a class that derives from {name}, not {part!r}. Write "
            f"`from avprompt.plugin import {name}` and `class Mine({name})`."
        )
    if missing := sorted(_abstract(part)):
        names = " or ".join(f"'{method}'" for method in missing)
        calls = "; ".join(f"def {_call(part, method)}" for method in missing)
        raise PluginError(f"{what} has no method {names}. Write in {_place(part)}: {calls}.")
    for method in sorted(_abstract(interface)):
        if not _takes(part, method, getattr(interface, method)):
            raise PluginError(
                f"{what} has a method that cannot be called as it will be: {_call(part, method)}. "
                f"Write in {_place(part)}: def {_call(interface, method)}."
            )
    for attribute in _declared(interface, of_class=True):
        if not hasattr(part, attribute):
            raise PluginError(f"{what} says no '{attribute}'. Write in {_place(part)}: {attribute} = ...")


def check_constructor(what: str, part: type, arguments: tuple[Any, ...]) -> None:
    """Check that a class can be built of so many arguments.

    Raises:
        PluginError: its `__init__` takes others.
    """
    try:
        inspect.signature(part).bind(*arguments)
    except TypeError as error:
        names = ", ".join(["self", "config", "backbone", "..."][: len(arguments) + 1])
        raise PluginError(
            f"{what} cannot be built: {_call(part, '__init__')} does not take the {len(arguments)} arguments "
            f"of its kind. Write in {_place(part)}: def __init__({names}), with super().__init__ of the same."
        ) from error


def check_attributes(part: object) -> None:
    """Check that a part that was built has all attributes that its interface declares.

    Raises:
        PluginError: one is missing.
    """
    of_parts = ("config",) if hasattr(part, "Config") else ()
    for attribute in (*of_parts, *_declared(type(part), of_class=False)):
        if not hasattr(part, attribute):
            raise PluginError(
                f"{describe(part)} has no '{attribute}'. Set it in the class or in __init__, and call "
                "super().__init__ there."
            )


def describe(part: object) -> str:
    """Return what a part is, its class and its file, for messages."""
    name = next((interface.__name__ for interface in _interfaces(type(part))), "part")
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return f"The {kind} {_place(type(part))}"


def _place(part: type) -> str:
    try:
        return f"{part.__name__} in {Path(inspect.getfile(part)).name}"
    except (TypeError, OSError):  # made in a console
        return part.__name__


def _interfaces(part: type) -> Iterator[type]:
    """Yield the interfaces that a class derives from, the nearest first."""
    places = INTERFACES.values()
    return (base for base in part.__mro__ if f"{base.__module__}:{base.__name__}" in places)


def _abstract(part: type) -> Iterator[str]:
    """Yield the methods that a class leaves to be written; not all bases are ABCs, which would know."""
    return (name for name in dir(part) if getattr(getattr(part, name, None), "__isabstractmethod__", False))


def _declared(part: type, *, of_class: bool) -> Iterator[str]:
    """Yield the attributes that the interfaces of a class declare: class variables, or the others."""
    for interface in _interfaces(part):
        for name, hint in inspect.get_annotations(interface).items():
            if str(hint).startswith("ClassVar") is of_class:
                yield name


def _call(part: type, method: str) -> str:
    """Return how a method is called, without types."""
    signature = inspect.signature(getattr(part, method))
    plain = [value.replace(annotation=value.empty) for value in signature.parameters.values()]
    return f"{method}{signature.replace(parameters=plain, return_annotation=signature.empty)}"


def _takes(part: type, method: str, interface: Any) -> bool:
    """Say whether a method of a class takes the arguments that its interface does."""
    parameters = inspect.signature(interface).parameters.values()
    by_name = {value.name: None for value in parameters if value.kind is value.KEYWORD_ONLY}
    optional = sum(
        value.kind is value.POSITIONAL_OR_KEYWORD and value.default is not value.empty for value in parameters
    )
    by_place = len(parameters) - len(by_name) - optional  # those are given only where a part asks for them
    if isinstance(inspect.getattr_static(part, method), staticmethod | classmethod):
        by_place -= 1  # `self` is not among its arguments
    try:
        inspect.signature(getattr(part, method)).bind(*[None] * by_place, **by_name)
    except TypeError:
        return False
    return True
