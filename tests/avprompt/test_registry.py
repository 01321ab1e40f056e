"""Names, owners, and parts that are imported when they are used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from avprompt.errors import PluginError, UnknownNameError
from avprompt.registry import KINDS, Registry
from avprompt_coop.prompts import CoOpPrompt


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.add("prompts", "fixed", "decimal:Decimal", "acl")
    registry.add("prompts", "coop", CoOpPrompt, "coop")
    registry.add("losses", "area", "no_such_module:Area", "acl")
    return registry


def test_a_target_is_imported_at_the_first_use(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    registry.add("methods", "zen", "colorsys:hls_to_rgb", "them")
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    registry.find("methods", "zen")
    assert "colorsys" not in sys.modules
    assert registry.load("methods", "zen") is sys.modules["colorsys"].hls_to_rgb


def test_a_target_may_be_the_part_itself(registry: Registry) -> None:
    assert registry.load("prompts", "coop") is CoOpPrompt


def test_a_yaml_target_gives_its_text(registry: Registry) -> None:
    registry.add("methods", "oracle", "tinyworld:oracle.yaml", "tinyworld")
    assert registry.load("methods", "oracle").startswith("name: oracle")


def test_a_yaml_target_may_be_the_text(registry: Registry) -> None:
    for text in ("name: mine\nbase: coop\n", "name: mine", "{name: mine, base: coop}", "name: a:b.yaml"):
        own = Registry()
        own.add("methods", "mine", text, "them")
        assert own.load("methods", "mine") == text


@pytest.mark.parametrize("target", ["mine", "mine.yaml", "", Path("mine.yaml"), {"name": "mine"}, None])
@pytest.mark.parametrize(("kind", "called"), [("methods", "method"), ("encoder_sets", "encoder set")])
def test_what_is_neither_yaml_nor_its_place(
    registry: Registry, kind: str, called: str, target: object
) -> None:
    message = (
        rf"^The {called} 'mine' of plugin 'them' is .*must be YAML text, or .*'package:file.yaml'.*beside"
    )
    with pytest.raises(PluginError, match=message):
        registry.add(kind, "mine", target, "them")


def test_an_unknown_name_suggests_the_nearest(registry: Registry) -> None:
    with pytest.raises(
        UnknownNameError, match=r"There is no prompt generator 'fixd'. Did you mean 'fixed'\?"
    ):
        registry.load("prompts", "fixd")


def test_a_taken_name_says_who_has_it(registry: Registry) -> None:
    with pytest.raises(PluginError, match=r"'fixed' is already registered by plugin 'acl'.*'them' must"):
        registry.add("prompts", "fixed", object, "them")
    assert registry.find("prompts", "fixed").owner == "acl"


def test_one_name_may_stand_for_parts_of_two_kinds(registry: Registry) -> None:
    registry.add("methods", "coop", "somewhere:coop.yaml", "coop")
    assert registry.names("methods") == ["coop"]


@pytest.mark.parametrize(
    "target", ["no_such_module:Area", "decimal:NoSuchThing", "tinyworld:no-such-file.yaml"]
)
def test_a_part_that_cannot_be_loaded_names_its_plugin(registry: Registry, target: str) -> None:
    registry.add("losses", "theirs", target, "them")
    with pytest.raises(
        PluginError, match=r"The loss 'theirs' of plugin 'them' cannot be loaded from '.*no"
    ) as e:
        registry.load("losses", "theirs")
    assert target in str(e.value)


def test_remove_owner_forgets_all_of_it(registry: Registry) -> None:
    registry.remove_owner("acl")
    assert [(entry.kind, entry.name) for entry in registry.entries()] == [("prompts", "coop")]


def test_entries_are_sorted_and_can_be_those_of_one_plugin(registry: Registry) -> None:
    assert [entry.name for entry in registry.entries()] == ["coop", "fixed", "area"]
    assert [entry.name for entry in registry.entries("acl")] == ["fixed", "area"]


def test_every_kind_starts_empty() -> None:
    assert {kind: Registry().names(kind) for kind in KINDS} == {kind: [] for kind in KINDS}
