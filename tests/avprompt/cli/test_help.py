"""Every command says what it does, and so does every option."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from avprompt import __version__
from avprompt.cli import main

OBVIOUS = {"help", "seed", "device", "precision"}


def commands(group: click.Group = main, prefix: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        inner = commands(command, f"{prefix}{name} ") if isinstance(command, click.Group) else {}
        found |= {f"{prefix}{name}": command} | inner
    return found


COMMANDS = commands()


def test_the_names_are_the_promised_ones() -> None:
    promised = {"run", "evaluate", "compare", "localize", "plugins", "list", "show", "describe"}
    assert promised <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert (command.help or "").strip()
    result = CliRunner().invoke(main, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert command.get_short_help_str(200).rstrip(".") in " ".join(result.output.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    options = [one for one in COMMANDS[name].params if isinstance(one, click.Option)]
    silent = [str(option.name) for option in options if not option.help and option.name not in OBVIOUS]
    assert silent == []


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (
            "run",
            "--dataset --data-root --set --plugin --seed --epochs --steps --batch-size --device --precision "
            "--output --resume --encoders --checkpoint --strict",
        ),
        ("evaluate", "--dataset --checkpoint --output --data-root --set --encoders"),
        ("compare", "--dataset --output --data-root --set --seed --epochs --steps --batch-size"),
        (
            "localize",
            "--method --audio --output --checkpoint --save-heatmap --dpi --threshold --set --encoders",
        ),
        ("describe", "--json --set --encoders"),
    ],
)
def test_options_have_the_promised_names(command: str, options: str) -> None:
    there = {name for option in COMMANDS[command].params for name in option.opts}
    assert set(options.split()) <= there


def test_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"avprompt, version {__version__}\n"
