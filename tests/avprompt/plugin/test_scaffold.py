"""`avprompt plugins new`: packages of every kind work as they are written."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avprompt.errors import PluginError, UnknownNameError
from avprompt.plugin.discovery import load_plugins
from avprompt.plugin.scaffold import TEMPLATES, package_files, write_package
from avprompt.registry import KINDS, Registry
from avprompt.testing.report import check_plugin

NEEDS_FILES = ("datasets",)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], str]:
    """Put a package on the path as pip would; returns its module."""

    def install(folder: Path) -> str:
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        ((entry, module),) = project["entry-points"]["avprompt"].items()
        info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        (info / "entry_points.txt").write_text(f"[avprompt]\n{entry} = {module}\n")
        monkeypatch.syspath_prepend(folder)
        return str(module)

    yield install  # type: ignore[misc]
    for name in [name for name in sys.modules if name.startswith("avprompt_my_own")]:
        del sys.modules[name]


def run_test(path: Path, tmp_path: Path) -> None:
    """Run the one test of a package's test file."""
    spec = importlib.util.spec_from_file_location("test_of_package", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    test = module.test_it_keeps_its_promises
    if inspect.signature(test).parameters:
        (tmp_path / "for test").mkdir()
        test(tmp_path / "for test")
    else:
        test()


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_passes_as_it_is(
    registry: Registry, kind: str, tmp_path: Path, install: Callable[[Path], str]
) -> None:
    folder = write_package(registry, "my-own", kind, tmp_path / "package")
    module = install(folder)
    assert module == "avprompt_my_own"
    run_test(folder / "tests" / "test_my_own.py", tmp_path)
    (report,) = check_plugin("avprompt-my-own:my-own")
    assert (report.entry.kind, report.entry.name) == (kind, "my-own")
    assert report.verdict == ("not checked" if kind in NEEDS_FILES else "kept"), report.reason


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_template(kind: str) -> None:
    files = {item.name for item in (TEMPLATES / kind).iterdir()}
    assert files in (
        {"part.py.template", "test.py.template", "use.template"},
        {"part.yaml.template", "test.py.template", "use.template"},
    )


def test_no_template_is_left_over() -> None:
    assert {item.name for item in TEMPLATES.iterdir()} == {"package", *KINDS}


def test_the_readme_says_how_to_install_use_and_test_it() -> None:
    readme = package_files("haiku", "prompts")["README.md"]
    assert "pip install -e ." in readme
    assert "avprompt run souple --set prompt.name=haiku" in readme
    assert "avprompt plugins check avprompt-haiku:haiku" in readme
    assert "\npytest" in readme


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_fill_in(kind: str) -> None:
    for path, text in package_files("haiku", kind).items():
        assert "$" not in text, path
        assert text.endswith("\n"), path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My Words", r"'My Words' cannot name a part and its package\. .* Take 'my-words'\."),
        ("3d-words", r"Take 'd-words'\."),
        ("../words", r"Take 'words'\."),
        ("words\n", r"cannot name a part"),
        ("", r"a letter first, and hyphens between words, such as 'my-words'\.$"),
        (
            "metanet",
            r"There is already a prompt generator 'metanet', of plugin 'souple'\. Choose another name",
        ),
        ("souple", r"There is already a package 'avprompt_souple', which an import would find"),
    ],
)
def test_names_are_checked(registry: Registry, name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=message):
        write_package(registry, name, "prompts", tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_a_folder_that_is_there_stays_as_it_is(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("years of work")
    with pytest.raises(
        PluginError, match=r"mine' is there already and stays as it is\. Name another with --output"
    ):
        write_package(registry, "haiku", "prompts", tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "years of work"


def test_half_a_package_is_taken_away(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *arguments: Any, **options: Any) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        write_package(registry, "haiku", "prompts", tmp_path / "package")
    assert not (tmp_path / "package").exists()


def test_an_unknown_kind(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"There is no kind 'prompt'\. Did you mean 'prompts'\?"):
        write_package(registry, "haiku", "prompt", tmp_path / "package")


def test_a_name_that_python_keeps_for_itself_makes_a_module_that_imports() -> None:
    for name in ("none", "class"):
        for path, text in package_files(name, "prompts").items():
            if path.endswith(".py"):
                compile(text, path, "exec")


def test_the_templates_are_not_plugins_themselves() -> None:
    assert all(plugin.failure is None for plugin in load_plugins().plugins)


@pytest.mark.parametrize("name", ["null", "true", "yes", "off"])
def test_a_name_is_text_in_yaml(registry: Registry, name: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=rf"'{name}' cannot name a part: YAML.* such as 'my-{name}'"):
        write_package(registry, name, "prompts", tmp_path / "package")


def test_no_loss_is_called_as_the_sum_is(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="'total' cannot name a loss: it is the sum of all"):
        write_package(registry, "total", "losses", tmp_path / "package")
    assert write_package(registry, "total", "prompts", tmp_path / "package").is_dir()
