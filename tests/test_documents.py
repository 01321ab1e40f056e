"""What the documents show is true: the plugin is the file, commands exist, every hook is listed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from avprompt.cli import main
from avprompt.registry import KINDS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md")


def blocks(document: str) -> list[str]:
    """The fenced blocks of a document."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```\w*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    lines = [line for document in DOCUMENTS for block in blocks(document) for line in block.splitlines()]
    return [line for line in lines if line.startswith("avprompt ")]


def test_the_plugin_in_contributing_is_the_file() -> None:
    assert (ROOT / "plugins" / "example_prompt.py").read_text() in blocks("CONTRIBUTING.md")


def test_contributing_lists_every_hook() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`register_{kind}`" not in text] == []


@pytest.mark.parametrize("line", commands())
def test_commands_can_be_given_as_they_are_shown(line: str) -> None:
    words = shlex.split(line.partition("#")[0].partition(" > ")[0])[1:]
    command: click.Command = main
    while isinstance(command, click.Group) and words[0] != "--help":
        command = command.commands[words.pop(0)]
    if words != ["--help"]:
        command.make_context(str(command.name), words)
