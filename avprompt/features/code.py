"""The code that makes an encoder's features, which a fingerprint must tell from any other.

What people edit counts by its content: the encoder's package or plugin file, what that imports, and the
rooms of the core that sounds, images and features pass through. What is installed counts by its version.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import machinery, metadata, util
from pathlib import Path

from torch import nn

from avprompt.errors import PluginError

CORE = "avprompt"
ROOMS = ("data", "features", "model")
INSTALLED = {"site-packages", "dist-packages"}
SUFFIXES = tuple(machinery.SOURCE_SUFFIXES + machinery.EXTENSION_SUFFIXES)


def code_versions(encoder: nn.Module) -> dict[str, str]:
    """Return the version of all code that an encoder's features depend on.

    Import statements are followed, wherever they stand; an import by a computed name is not seen, unless
    it brings a module of the encoder.

    Returns:
        By name of a package or module: the version of an installed library, or the hash of other sources.
        Where their folder lies does not matter.

    Raises:
        PluginError: the encoder's class was not read from a file.
    """
    own = _package(encoder)
    versions: dict[str, str] = {}
    waiting = [own, CORE, *{_package(module) for module in encoder.modules()}]
    while waiting:
        name = waiting.pop()
        if name in versions or name in sys.stdlib_module_names:
            continue
        places = _places(name)
        if name != own and (installed := _installed(name, places)):
            versions[name] = installed
        elif files := _source_files(name, places):
            contents = {inside: path.read_bytes() for inside, path in sorted(files.items())}
            versions[name] = hashlib.sha256(repr(contents).encode()).hexdigest()
            waiting += _imported(contents)
        elif name == own:
            raise PluginError(
                f"The encoder {type(encoder).__qualname__} was not read from a Python file, so stored "
                "features could not tell when its code changes. Put its class into a file, or store none "
                "(no --cache)."
            )
    return dict(sorted(versions.items()))


def source_digest(packages: Iterable[str], rooms: Sequence[str]) -> str:
    """Return the hash of the sources of packages or plugin files, installed or not; not of what they import.

    Args:
        packages: names of top-level modules.
        rooms: of the core, whose sources count.
    """
    contents = {
        f"{name}/{inside}": path.read_bytes()
        for name in sorted({CORE, *packages})
        for inside, path in sorted(_source_files(name, _places(name), rooms).items())
    }
    return hashlib.sha256(repr(contents).encode()).hexdigest()


def _package(module: nn.Module) -> str:
    return type(module).__module__.partition(".")[0]


def _places(name: str) -> list[Path]:
    """Return the folders of a package, or the file of a module; none where it is not here or built in."""
    spec = None
    with suppress(ValueError):  # a module that was run, not imported, says only what its file is
        spec = util.find_spec(name)
    if spec is None:
        file = getattr(sys.modules.get(name), "__file__", None)
        return [Path(file)] if file else []
    if spec.submodule_search_locations is not None:
        return [Path(folder) for folder in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.origin and spec.has_location else []


def _source_files(name: str, places: list[Path], rooms: Sequence[str] = ROOMS) -> dict[str, Path]:
    """Return files by their path inside the package; of the core those of some rooms."""
    if name == CORE:
        places = [folder / room for folder in places for room in rooms]
        return {f"{room.name}/{path.name}": path for room in places for path in room.glob("*.py")}
    files = {place.name: place for place in places if place.is_file()}
    for folder in places:
        files |= {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {inside: path for inside, path in files.items() if inside.endswith(SUFFIXES)}


def _installed(name: str, places: list[Path]) -> str:
    """Return the versions of what a library was installed from; empty for sources that lie elsewhere."""
    if name == CORE or not any(INSTALLED & set(place.parts) for place in places):
        return ""
    return ", ".join(
        f"{title} {metadata.version(title)}" for title in sorted({*_distributions().get(name, ())})
    )


@cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _imported(contents: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the packages that sources import; what they import of their own package is no news."""
    for inside, content in contents.items():
        if not inside.endswith(".py"):
            continue
        with suppress(SyntaxError, ValueError):  # a file that cannot run imports nothing
            for node in ast.walk(ast.parse(content)):
                if isinstance(node, ast.Import):
                    yield from (alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module.partition(".")[0]
