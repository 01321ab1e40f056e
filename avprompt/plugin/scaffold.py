"""A new plugin as a package: a small working part of one kind, and a test that calls the check of that kind.

`templates/package` holds what all packages have, `templates/<kind>` the part, its test, and the command that
uses it. A kind is added by a folder.
"""

from __future__ import annotations

import importlib.resources
import importlib.util
import re
import shutil
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from avprompt.config.tables import SUM, parse
from avprompt.errors import PluginError, UnknownNameError, suggest
from avprompt.registry import KINDS, Registry

TEMPLATES: Traversable = importlib.resources.files("avprompt.plugin") / "templates"
PREFIX = "avprompt"
"""Begins the names of the distribution and of its module."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write_package(registry: Registry, name: str, kind: str, folder: Path | None = None) -> Path:
    """Write a package that registers one part; it installs and passes its test as it is.

    Args:
        registry: what is registered already.
        name: of the part, such as `my-words`.
        kind: of part, one of `KINDS`.
        folder: that becomes the package; `avprompt-<name>` in the working folder unless given.

    Returns:
        The folder.

    Raises:
        UnknownNameError: there is no such kind.
        PluginError: the name is none or is taken, or the folder is there already.
    """
    if kind not in KINDS:
        raise UnknownNameError(f"There is no kind '{kind}'. {suggest(kind, KINDS)}")
    _check_name(registry, name, kind)
    folder = folder or Path(f"{PREFIX}-{name}")
    if folder.exists():
        raise PluginError(f"'{folder}' is there already and stays as it is. Name another with --output DIR.")
    try:
        for path, text in package_files(name, kind).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except BaseException:  # half a package would be in the way of the next try
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def package_files(name: str, kind: str) -> dict[str, str]:
    """Return the files of a package by their paths in it.

    Args:
        name: of the part, words of small letters and digits joined by hyphens.
        kind: of part.
    """
    module, noun = f"{PREFIX}_{name.replace('-', '_')}", KINDS[kind]
    stem, part = noun.replace(" ", "_"), _camel(name) + _camel(noun.replace(" ", "-"))
    of_kind = TEMPLATES / kind
    declared = (of_kind / "part.yaml.template").is_file()
    words = {
        "name": name,
        "kind": kind,
        "noun": noun,
        "package": f"{PREFIX}-{name}",
        "module": module,
        "stem": stem,
        "part": part,
        "target": f"{module}:{name}.yaml" if declared else f"{module}.{stem}:{part}",
    }
    words["use"] = _filled(of_kind / "use.template", words).rstrip()
    return {
        "pyproject.toml": _filled(TEMPLATES / "package" / "pyproject.toml.template", words),
        "README.md": _filled(TEMPLATES / "package" / "README.md.template", words),
        f"{module}/__init__.py": _filled(TEMPLATES / "package" / "init.py.template", words),
        f"{module}/{name}.yaml" if declared else f"{module}/{stem}.py": _filled(
            of_kind / f"part.{'yaml' if declared else 'py'}.template", words
        ),
        f"tests/test_{name.replace('-', '_')}.py": _filled(of_kind / "test.py.template", words),
    }


def _check_name(registry: Registry, name: str, kind: str) -> None:
    if not _NAME.fullmatch(name):
        words = "-".join(re.findall(r"[a-z0-9]+", name.lower())).lstrip("-0123456789")
        hint = f" Take '{words}'." if words else ""
        raise PluginError(
            f"'{name}' cannot name a part and its package. Use small letters and digits, a letter first, and "
            f"hyphens between words, such as 'my-words'.{hint}"
        )
    if not isinstance(parse(f"name: {name}", "name")["name"], str):
        raise PluginError(
            f"'{name}' cannot name a part: YAML, in which methods are written, does not read it as text. "
            f"Choose another name, such as 'my-{name}'."
        )
    if kind == "losses" and name == SUM:
        raise PluginError(
            f"'{name}' cannot name a loss: it is the sum of all. Choose another name, such as 'my-{name}'."
        )
    if name in registry.names(kind):
        owner = registry.find(kind, name).owner
        raise PluginError(
            f"There is already a {KINDS[kind]} '{name}', of plugin '{owner}'. Choose another name, such as "
            f"'my-{name}'."
        )
    module = f"{PREFIX}_{name.replace('-', '_')}"
    if importlib.util.find_spec(module) is not None:
        raise PluginError(
            f"There is already a package '{module}', which an import would find instead of yours. Choose "
            f"another name, such as 'my-{name}'."
        )


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _filled(template: Traversable, words: dict[str, str]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(words)
