"""`list`, `show` and `describe`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from avprompt.registry import KINDS

PLUGIN = """
from avprompt.plugin import hookimpl

@hookimpl
def register_prompts(register):
    register("haiku", "nowhere:Haiku")
"""


def test_list(cli: Any, here: Path) -> None:
    everything = cli("list").stdout
    assert all(kind in everything for kind in KINDS)
    prompts = cli("list", "prompts").stdout
    assert "metanet" in prompts
    assert "acl-ssl" not in prompts
    (here / "mine.py").write_text(PLUGIN)
    assert "haiku" in cli("list", "prompts", "--plugin", "mine.py").stdout


METHOD = """
from avprompt.plugin import hookimpl

@hookimpl
def register_methods(register):
    register("mine", "name: mine\\nbase: souple\\nprompt: {context_tokens: 2}")

@hookimpl
def register_encoder_sets(register):
    register("my-set", "my-set.yaml")
"""


def test_a_method_and_encoders_of_a_file(cli: Any, here: Path) -> None:
    (here / "mine.py").write_text(METHOD)
    (here / "my-set.yaml").write_text("backbone: {name: tiny-clip}\naudio_encoder: {name: tiny-ear}\n")
    plugin = ("--plugin", "mine.py")
    assert " mine " in cli("list", "methods", *plugin).stdout
    assert " my-set " in cli("list", "encoder_sets", *plugin).stdout
    assert cli("show", "mine", *plugin).stdout == "name: mine\nbase: souple\nprompt: {context_tokens: 2}\n"
    assert '"avprompt method mine"' in cli("show", "mine", "--json-schema", *plugin).stdout
    described = json.loads(cli("describe", "mine", "--encoders", "my-set", "--json", *plugin).stdout)
    assert (described["method"], described["encoders"]) == ("mine", "my-set")


def test_list_of_no_kind(fails: Any) -> None:
    assert fails("list", "prompt") == "There is no kind 'prompt'. Did you mean 'prompts'?"


def test_what_show_prints_runs_when_edited(cli: Any, here: Path) -> None:
    text = cli("show", "souple").stdout
    (here / "mine.yaml").write_text(text.replace("context_tokens: 4", "context_tokens: 2"))
    described = json.loads(cli("describe", "mine.yaml", "--encoders", "tiny", "--json").stdout)
    shown = json.loads(cli("describe", "souple", "--encoders", "tiny", "--json").stdout)
    count = {part["part"]: part["trainable"] for part in described["parts"]}
    before = {part["part"]: part["trainable"] for part in shown["parts"]}
    assert before["prompt"] - count["prompt"] == 2 * 8 * 2  # weights and biases of two tokens less
    assert {**before, "prompt": 0} == {**count, "prompt": 0}


def test_show_says_what_is_ours(cli: Any) -> None:
    assert "# ours" in cli("show", "souple").stdout


def test_show_prints_the_schema(cli: Any) -> None:
    schema = json.loads(cli("show", "souple", "--json-schema").stdout)
    assert "context_tokens" in schema["properties"]["prompt"]["properties"]


class TestDescribe:
    def described(self, cli: Any, *arguments: str) -> dict[str, Any]:
        return json.loads(cli("describe", *arguments, "--json").stdout)

    def test_adds_up(self, cli: Any) -> None:
        found = self.described(cli, "souple", "--encoders", "tiny")
        assert found["method"] == "souple"
        assert found["encoders"] == "tiny"
        parts = found["parts"]
        assert [part["part"] for part in parts] == [
            "backbone", "audio_encoder", "projection", "prompt", "decoder", "masker",
        ]  # fmt: skip
        assert found["trainable"] == sum(part["trainable"] for part in parts)
        assert found["frozen"] == sum(part["frozen"] for part in parts)
        assert found["total"] == found["trainable"] + found["frozen"]
        assert {
            part["part"]: part["frozen"] > 0 for part in parts if part["part"] in ("backbone", "prompt")
        } == {
            "backbone": True,
            "prompt": False,
        }

    def test_says_what_is_frozen(self, cli: Any) -> None:
        found = self.described(cli, "acl-ssl", "--encoders", "tiny")
        decoder = next(part for part in found["parts"] if part["part"] == "decoder")
        assert decoder["trainable"] == 0
        assert decoder["frozen"] > 0

    def test_follows_set(self, cli: Any) -> None:
        less, more = (
            self.described(cli, "souple", "--encoders", "tiny", "--set", f"prompt.context_tokens={count}")
            for count in (4, 8)
        )
        assert more["trainable"] - less["trainable"] == 4 * 8 * 2

    def test_prints_a_table(self, cli: Any) -> None:
        output = cli("describe", "souple", "--encoders", "tiny").stdout
        assert "metanet" in output
        assert "(B, L, 6) -> V_A (B, K, 8)" in output
        assert "in all" in output


def test_an_unknown_method(fails: Any) -> None:
    for command in ("show", "describe"):
        assert fails(command, "suple").startswith("There is no method 'suple'. Did you mean 'souple'?")


@pytest.mark.parametrize("method", ["souple", "acl-ssl"])
def test_show_prints_the_file_as_it_is(cli: Any, method: str) -> None:
    assert yaml.safe_load(cli("show", method).stdout)["name"] == method
