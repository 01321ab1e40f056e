"""What the documents show is true: the plugin is the file; names, folders and commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import soundfile
from PIL import Image

import avprompt
import avprompt.plugin
from avprompt.cli import main
from avprompt.registry import KINDS, Registry
from tinyworld.scenes import RATE, scene

ROOT = Path(__file__).resolve().parents[1]
PAGES = tuple(str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").rglob("*.md")))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *PAGES)


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


def test_interfaces_in_the_table_of_hooks_are_names_of_the_door() -> None:
    rows = re.findall(r"^\| `register_\w+` \|.*", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row)]
    assert len(names) > 5
    assert [name for name in names if not hasattr(avprompt.plugin, name)] == []


def test_folders_to_add_to_are_there() -> None:
    _, _, section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Where to add what")
    folders = re.findall(r"`((?:avprompt|benchmarks|plugins|tests)/[a-z_./]*)`", section.partition("##")[0])
    assert len(folders) > 5
    assert [folder for folder in folders if not (ROOT / folder).exists()] == []


def test_the_reference_has_every_registered_protocol(registry: Registry) -> None:
    text = (ROOT / "docs" / "protocols.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^### `([\w-]+)`\n\n::: ([\w.]+)", text, flags=re.MULTILINE))
    places = {name: str(registry.find("protocols", name).target) for name in registry.names("protocols")}
    ours = {name: place.replace(":", ".") for name, place in places.items() if "avprompt" in place}
    assert shown == ours


def test_authors_of_plugins_are_shown_one_door() -> None:
    sources = [line for block in blocks("CONTRIBUTING.md") for line in block.splitlines()]
    modules = {line.split()[1] for line in sources if line.startswith(("from avprompt", "import avprompt"))}
    assert "avprompt.plugin" in modules
    assert modules <= {"avprompt", "avprompt.plugin", "avprompt.testing"}


@pytest.mark.parametrize(
    ("document", "printed"),
    [("docs/api.md", "| Percent | souple | acl-ssl |"), ("docs/tutorials/video.md", "")],
)
def test_python_runs_as_it_is_shown(
    document: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """On the tiny world, whose runs take a blink, instead of toy."""
    monkeypatch.chdir(tmp_path)
    (code,) = [block for block in blocks(document) if block.startswith("import avprompt\n")]
    avprompt.run("souple", "tiny", steps=2, output="runs/toy/souple-words-seed0")
    sample = scene("test", 0)
    Image.fromarray(np.asarray(sample.image)).save("image.jpg")
    soundfile.write("sound.wav", sample.audio.samples, RATE)  # type: ignore[union-attr]
    exec(code.replace('"toy"', '"tiny"'), {})
    assert printed in capsys.readouterr().out
    assert Path("overlay.png").is_file()


@pytest.mark.parametrize("line", commands())
def test_commands_can_be_given_as_they_are_shown(line: str) -> None:
    words = shlex.split(line.partition("#")[0].partition(" > ")[0])[1:]
    command: click.Command = main
    while isinstance(command, click.Group) and words[0] != "--help":
        command = command.commands[words.pop(0)]
    if words != ["--help"]:
        command.make_context(str(command.name), words)
