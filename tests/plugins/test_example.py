"""CONTRIBUTING's prompt generator in one file, loaded, trained and compared with SouPLe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner

from avprompt.cli import main
from avprompt.config.options import options
from avprompt.plugin.discovery import load_plugins
from avprompt.testing import StandInBackbone, check_prompt_generator

EXAMPLE = Path(__file__).resolve().parents[2] / "plugins" / "example_prompt.py"


def test_keeps_the_contract_and_starts_at_the_words() -> None:
    registry = load_plugins((str(EXAMPLE),)).registry
    backbone = StandInBackbone()
    prompt = registry.load("prompts", "nudged")(
        options(registry, "prompts", "nudged", {}, "prompt"), backbone
    )
    check_prompt_generator(prompt, backbone)
    context = prompt.context(backbone.encode_image(torch.randn(2, 3, 32, 32)))
    torch.testing.assert_close(context, backbone.embed_text("a photo of a").expand(2, -1, -1))


def test_is_about_twenty_lines() -> None:
    code = [line for line in EXAMPLE.read_text().splitlines() if line.strip()]
    assert len(code) <= 22


def test_trains_and_stands_beside_souple(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    common = ["--dataset", "tiny", "--steps", "3", "--batch-size", "4"]
    train = ["run", "souple", "--plugin", str(EXAMPLE), "--set", "prompt.name=nudged", "--output", "nudged"]
    assert CliRunner().invoke(main, [*train, *common]).exit_code == 0
    assert yaml.safe_load(Path("nudged/config.yaml").read_text())["prompt"]["name"] == "nudged"
    compared = CliRunner().invoke(main, ["compare", "souple", "nudged", *common, "--output", "c"])
    assert compared.exit_code == 0, compared.output
    runs = json.loads(Path("c/compare.json").read_text())["runs"]
    assert list(runs) == ["souple", "nudged"]
    assert runs["nudged"][0]["trainable_parameters"] != runs["souple"][0]["trainable_parameters"]
