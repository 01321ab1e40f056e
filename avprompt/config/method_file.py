"""Method files and encoder sets: found by name, read, and checked for their types before anything is merged.

A method file may name another method as its `base` and then holds only what differs. Under `with` it may hold
tables by encoder set, which apply with these encoders only. An encoder set holds a backbone and an audio
encoder, and tables that change every method with these encoders. Its table `demo` may name a trained method.
"""

from __future__ import annotations

from pathlib import Path

from avprompt.config.removals import check_removals
from avprompt.config.tables import ENCODERS, TABLES, TEXTS, Table, check_types, merge, parse
from avprompt.errors import ConfigError, UnknownNameError
from avprompt.files import read_text
from avprompt.registry import Registry

DEMO = "demo"
"""The table of an encoder set that names a method trained with it, see `avprompt.runs.demo`."""

_WEIGHTS = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")


def method_text(registry: Registry, method: str) -> str:
    """Return the YAML of a registered method, or of a file when `method` names one.

    Raises:
        DataError: a file that is no text.
        UnknownNameError: neither a file nor a registered name.
    """
    if _is_file(method):
        path = Path(method)
        if not path.is_file():
            raise UnknownNameError(f"There is no method file '{method}'.")
        return read_text(path)
    if method.endswith(_WEIGHTS):
        raise UnknownNameError(
            f"'{method}' holds weights, which are no method. Name the method that they belong to, and give "
            f"the file beside it: --checkpoint {method} (checkpoint= in Python)."
        )
    text: str = registry.load("methods", method)
    return text


def read_method(registry: Registry, method: str) -> Table:
    """Return the tables of a method, laid over those of its base, and that over its own base.

    `with` is one of the tables; `base` is not.

    Raises:
        ConfigError: something in a file is of the wrong type, or the bases go in a circle.
        UnknownNameError: a method, or the base of one, is not there.
    """
    return _read_chain(registry, (method,))


def read_encoder_set(registry: Registry, encoders: str) -> tuple[Table, Table]:
    """Return the tables of a set's encoders, and those that change every method with these encoders.

    Raises:
        ConfigError: something in the file is of the wrong type.
        UnknownNameError: nobody registered the set.
    """
    where = f"encoder set '{encoders}'"
    tables = parse(registry.load("encoder_sets", encoders), where)
    tables.pop(DEMO, None)
    check_types(tables, where, TABLES)
    parts = {key: table for key, table in tables.items() if key in ENCODERS}
    return parts, {key: table for key, table in tables.items() if key not in ENCODERS}


def _read_chain(registry: Registry, chain: tuple[str, ...]) -> Table:
    """Read the last method of a chain, each of which is the base of the one before it."""
    method = chain[-1]
    tables = _read_file(registry, method)
    base = tables.pop("base", None)
    if base is None:
        check_removals(registry, {}, tables, f"in the method '{method}'")
        return tables
    base = _find_base(base, method)
    places = [_place(name) for name in chain]
    if _place(base) in places:
        circle = (*chain[places.index(_place(base)) :], base)
        raise ConfigError(f"Methods are each other's base, in a circle: {' -> '.join(circle)}.")
    try:
        below = _read_chain(registry, (*chain, base))
    except UnknownNameError as error:
        raise UnknownNameError(f"The base of the method '{method}' is not there. {error}") from error
    check_removals(registry, below, tables, f"in the method '{method}'")
    return merge(below, tables)


def _read_file(registry: Registry, method: str) -> Table:
    """Read one file and check it by itself."""
    where = f"method '{method}'"
    tables = parse(method_text(registry, method), where)
    tables.pop("run", None)  # a run directory's config.yaml also keeps the run's settings
    check_types(tables, where, (*TEXTS, *TABLES, "with"))
    for encoders, changes in tables.get("with", {}).items():
        if not isinstance(changes, dict):
            raise ConfigError(f"with.{encoders} in the {where} must be tables of options, not {changes!r}.")
        check_types(changes, f"table with.{encoders} of the {where}", TABLES)
    if "name" not in tables:
        raise ConfigError(f"The {where} has no name of its own; give it one, such as 'name: mine'.")
    if tables["name"] != method and not _is_file(method):
        raise ConfigError(
            f"The {where} is called '{tables['name']}' in its YAML. Its plugin must give both the same name."
        )
    return tables


def _find_base(base: str, method: str) -> str:
    """Return a base as `method_text` takes it: a registered name, or the path of a file."""
    if not _is_file(base):
        return base
    if not _is_file(method):
        raise ConfigError(
            f"The method '{method}' comes from a plugin, so its base must be a registered method, "
            f"not the file '{base}'."
        )
    return str(Path(method).parent / base)


def _is_file(method: str) -> bool:
    return method.endswith((".yaml", ".yml"))


def _place(method: str) -> str:
    """Return what tells two methods apart, however their files are written."""
    return str(Path(method).resolve()) if _is_file(method) else method
