"""The walls of the house: who may import whom, and whether CONTRIBUTING's map shows what is there.

An import counts wherever it stands, in a function or under `TYPE_CHECKING` too. Names in strings do not
count, such as the `"module:attribute"` that a plugin registers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The one that crosses: it trains a BEATs and a CLIPSeg decoder on toy scenes to make the mini encoders.
PRETRAINING = ("avprompt_mini.pretrain", "avprompt_mini.pretraining")
# Doors stand above all rooms: they show names that lie below, and nothing below goes through them.
DOORS = {"avprompt", "avprompt.plugin", "avprompt.plugin.toolkit"}
MOST_MODULES = 9


def modules_in(folder: Path, pattern: str = "*") -> dict[str, Path]:
    """The files of packages and single modules directly in a folder, by their dotted names."""
    packages = [path.parent for path in folder.glob(f"{pattern}/__init__.py")]
    paths = [*folder.glob(f"{pattern}.py"), *(path for package in packages for path in package.rglob("*.py"))]
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(paths)
    }


CORE = modules_in(ROOT, "avprompt")
PLUGINS = modules_in(ROOT / "plugins")
BENCHMARKS = modules_in(ROOT / "benchmarks")  # without speed/: its scripts measure anything
MODULES = CORE | PLUGINS | BENCHMARKS
PACKAGES = [name for name, path in MODULES.items() if path.name == "__init__.py"]


@cache
def imports(module: str) -> frozenset[str]:
    """The dotted names that a module imports; an imported attribute counts as the module that has it."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    return frozenset(name for node in ast.walk(tree) for name in _imported(module, node))


def _imported(module: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
        above = package.split(".")[: 1 - node.level or None] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        for alias in node.names:
            if f"{base}.{alias.name}" in MODULES:
                yield f"{base}.{alias.name}"
            elif alias.name != "__version__":  # a fact about the distribution, not a part of it
                yield base


def inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def crossings(modules: Iterable[str], forbidden: Iterable[str]) -> list[str]:
    """Imports by `modules` of forbidden top-level packages other than their own."""
    return [
        f"{module} imports {name}"
        for module in modules
        for name in sorted(imports(module))
        if name.split(".")[0] in {top(other) for other in forbidden} - {top(module)}
    ]


def top(module: str) -> str:
    return module.split(".")[0]


class TestWalls:
    def test_the_core_imports_no_plugin_and_no_benchmark(self) -> None:
        assert crossings(CORE, ["plugins", "benchmarks", *PLUGINS, *BENCHMARKS]) == []

    def test_plugins_import_neither_each_other_nor_benchmarks(self) -> None:
        apart = [module for module in PLUGINS if not inside(module, PRETRAINING)]
        assert crossings(apart, [*PLUGINS, *BENCHMARKS]) == []

    def test_benchmarks_import_no_plugin(self) -> None:
        assert crossings(BENCHMARKS, PLUGINS) == []

    def test_benchmarks_come_through_the_door_of_plugin_authors(self) -> None:
        """Metrics are plain functions on arrays, for everybody."""
        open_to_all = ("avprompt.plugin", "avprompt.metrics")
        assert [
            f"{module} imports {name}"
            for module in BENCHMARKS
            for name in sorted(imports(module))
            if top(name) == "avprompt" and not inside(name, open_to_all)
        ] == []

    def test_the_exception_is_still_needed(self) -> None:
        pretraining = [module for module in PLUGINS if inside(module, PRETRAINING)]
        assert crossings(pretraining, PLUGINS) != []
        assert crossings(pretraining, BENCHMARKS) != []


class TestRooms:
    """A room is a package or a module directly inside `avprompt`."""

    def test_no_rooms_import_each_other_in_a_circle(self) -> None:
        reasons = {
            (room(module), room(name)): f"{module} imports {name}"
            for module in sorted(CORE.keys() - DOORS)
            for name in sorted(imports(module) & CORE.keys() - DOORS)
        }
        graph = {user: {used for other, used in reasons if other == user != used} for user, _ in reasons}
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = reversed(error.args[1])
            pytest.fail("\n".join(reasons[pair] for pair in pairwise(circle)))

    def test_nothing_inside_goes_through_a_door(self) -> None:
        inner = sorted(CORE.keys() - DOORS)
        assert [f"{module} imports {name}" for module in inner for name in imports(module) & DOORS] == []

    def test_few_modules_stand_beside_the_packages(self) -> None:
        assert len(list((ROOT / "avprompt").glob("*.py"))) <= MOST_MODULES

    @pytest.mark.parametrize("package", PACKAGES)
    def test_packages_say_what_they_are_for(self, package: str) -> None:
        assert len((ast.get_docstring(ast.parse(MODULES[package].read_text())) or "").split()) > 3


def room(module: str) -> str:
    return module.split(".")[1]


class TestMap:
    """The blocks of CONTRIBUTING's "Where things are": a tree of folders and files, and the flow of data."""

    def test_every_room_plugin_and_benchmark_is_on_it(self) -> None:
        sources = [
            path
            for folder in ("avprompt", "plugins", "benchmarks")
            for path in (ROOT / folder).iterdir()
            if path.suffix == ".py" or any(path.glob("*.py"))
        ]
        present = {str(path.relative_to(ROOT)) for path in sources if not path.name.startswith("__")}
        assert sorted(present - set(mapped())) == []

    def test_it_shows_nothing_that_is_not_there(self) -> None:
        assert [path for path in mapped() if not (ROOT / path).exists()] == []

    def test_the_flow_names_classes_and_functions_of_the_code(self) -> None:
        names = re.findall(r"\b[A-Z][a-z]\w+(?:\.\w+)?|\b[a-z]\w*(?=\()", block(2))
        assert len(names) > 10
        assert [name for name in names if name not in definitions()] == []


def block(number: int) -> str:
    """A fenced block of the section, counted from one."""
    _, _, section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Where things are")
    return section.split("```")[2 * number - 1]


def mapped() -> list[str]:
    """The paths of the tree; a line is indented names, two spaces or more, and what they are for."""
    folders: list[str] = []
    paths = []
    for line in block(1).strip("\n").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())[0].split()
        above = "".join(folders[:depth])
        folders = [*folders[:depth], names[0]]
        paths += [(above + name).rstrip("/") for name in names]
    return paths


@cache
def definitions() -> frozenset[str]:
    """Classes, functions, and `Class.method` of the core."""
    names = set()
    for module in MODULES:
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                names.add(node.name)
            if isinstance(node, ast.ClassDef):
                methods = [member for member in node.body if isinstance(member, ast.FunctionDef)]
                names |= {f"{node.name}.{method.name}" for method in methods}
    return frozenset(names)
