"""Method files in a folder, and YAML registered as a plugin would."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from avprompt.config.method_file import method_text
from avprompt.plugin.discovery import load_plugins
from avprompt.registry import Registry


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write method files, the test's working folder around them: `files({"a.yaml": {"base": "souple"}})`.

    A file is called `mine` unless it has a name.
    """
    monkeypatch.chdir(tmp_path)

    def write(tables: dict[str, dict[str, Any]]) -> None:
        for path, table in tables.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(yaml.safe_dump({"name": "mine"} | table))

    return write


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, dict[str, Any]], Registry]:
    """Register a method or an encoder set, and return the registry, which is the test's own."""
    registry, module = load_plugins().registry, ModuleType("their_yaml")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def add(kind: str, name: str, tables: dict[str, Any]) -> Registry:
        setattr(module, name, yaml.safe_dump(tables))
        registry.add(kind, name, f"their_yaml:{name}", "them")
        return registry

    return add


@pytest.fixture
def write(tmp_path: Path, registry: Registry) -> Any:
    """Write SouPLe's YAML with some tables changed, and return the file's name."""

    def write(**changes: Any) -> str:
        tables = yaml.safe_load(method_text(registry, "souple")) | changes
        file = tmp_path / "edited.yaml"
        file.write_text(yaml.safe_dump(tables))
        return str(file)

    return write
