"""`plugins`, and its commands `new` and `check`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from avprompt.cli import main

PLUGIN = """
from avprompt.plugin import ContextPrompt, TrainedOptions, Masker, hookimpl

class Haiku(ContextPrompt):
    def context(self, image):
        return image.pooled[:, None, :8]

class Loud(Masker):
    def __init__(self, config):
        raise RuntimeError("out of [paint]")
    def hard(self, logits, noise): ...
    def feature(self, logits, grid): ...
    def heatmap(self, logits, size): ...

@hookimpl
def register_prompts(register):
    register("haiku", Haiku)

@hookimpl
def register_maskers(register):
    {maskers}
"""
GOOD, BAD = PLUGIN.format(maskers="pass"), PLUGIN.format(maskers='register("loud", Loud)')


def test_plugins(cli: Any) -> None:
    output = cli("plugins").stdout
    assert "souple" in output
    assert "prompt generator metanet" in output
    assert "tinyworld:tinyworld" in output


def test_plugins_says_why_one_is_not_loaded(cli: Any, install_plugin: Callable[..., None]) -> None:
    install_plugin("broken_module", "raise RuntimeError('their [bug]')", dist="broken-dist")
    output = cli("plugins").stdout
    assert "not loaded: RuntimeError: their [bug] (broken_module.py, line 1)" in output
    assert "prompt generator metanet" in output


def test_plugins_lists_a_file_too(cli: Any, here: Path) -> None:
    (here / "mine.py").write_text(GOOD)
    assert "prompt generator haiku" in cli("plugins", "--plugin", "mine.py").stdout


class TestNew:
    def test_writes_a_package(self, cli: Any, here: Path) -> None:
        output = cli("plugins", "new", "haiku", "--kind", "prompts").stdout
        assert output.startswith("avprompt-haiku: a package that registers the prompt generator 'haiku'.")
        written = sorted(str(path.relative_to(here)) for path in here.rglob("*") if path.is_file())
        assert written == [
            "avprompt-haiku/README.md",
            "avprompt-haiku/avprompt_haiku/__init__.py",
            "avprompt-haiku/avprompt_haiku/prompt_generator.py",
            "avprompt-haiku/pyproject.toml",
            "avprompt-haiku/tests/test_haiku.py",
        ]

    def test_writes_where_it_is_told_to(self, cli: Any, here: Path) -> None:
        cli("plugins", "new", "haiku", "--kind", "methods", "--output", "deep/er")
        assert (here / "deep/er/avprompt_haiku/haiku.yaml").is_file()

    def test_refuses_a_name_of_a_plugin_file(self, fails: Any, here: Path) -> None:
        (here / "mine.py").write_text(GOOD)
        message = fails("plugins", "--plugin", "mine.py", "new", "haiku", "--kind", "prompts")
        assert message.startswith("There is already a prompt generator 'haiku', of plugin 'mine.py'.")


class TestCheck:
    def test_of_an_installed_plugin(self, cli: Any) -> None:
        output = cli("plugins", "check", "acl").stdout
        rows = [line.split("│")[1:3] for line in output.splitlines() if "│" in line]
        assert ["method acl-ssl", "kept"] in [[cell.strip() for cell in row] for row in rows]
        assert {row[1].strip() for row in rows} == {"kept"}

    def test_of_a_file(self, cli: Any, here: Path) -> None:
        (here / "mine.py").write_text(GOOD)
        for arguments in (["mine.py"], ["prompts/haiku", "--plugin", "mine.py"]):
            output = cli("plugins", "check", *arguments).stdout
            assert "prompt generator haiku" in output
            assert "kept" in output

    def test_says_what_cannot_be_checked(self, cli: Any) -> None:
        output = cli("plugins", "check", "datasets/vggss").stdout
        assert "not checked" in output
        assert "It needs its folder." in output

    def test_of_something_broken(self, here: Path) -> None:
        (here / "mine.py").write_text(BAD)
        result = CliRunner().invoke(main, ["plugins", "check", "mine.py"])
        assert result.exit_code == 1
        rows = {line.split("│")[1].strip(): line for line in result.stdout.splitlines() if "│" in line}
        assert "kept" in rows["prompt generator haiku"]
        assert "broken" in rows["masker loud"]
        assert "RuntimeError: out of [paint] (mine.py, line 10, in __init__)" in rows["masker loud"]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("soupl", "There is no plugin 'soupl'. Did you mean 'souple'?"),
            ("prompts/metane", "There is no prompt generator 'metane'. Did you mean 'metanet'?"),
            ("mine.py", "The plugin file 'mine.py' cannot be used: there is no such file."),
        ],
    )
    def test_of_what_is_not_there(self, fails: Any, name: str, message: str) -> None:
        assert fails("plugins", "check", name) == message

    def test_of_a_plugin_that_is_not_loaded(self, fails: Any, install_plugin: Callable[..., None]) -> None:
        install_plugin("broken_module", "raise RuntimeError('their bug')", dist="broken-dist")
        message = fails("plugins", "check", "broken-dist:theirs")
        assert message.startswith("The plugin 'broken-dist:theirs' is not loaded: RuntimeError: their bug")
