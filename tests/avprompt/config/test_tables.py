"""Tables read, checked for their types, and laid one over another."""

from __future__ import annotations

from typing import Any

import pytest

from avprompt.config.tables import TABLES, TEXTS, check_types, dump, merge, parse, parse_override
from avprompt.errors import ConfigError


def test_merge_changes_neither_table() -> None:
    base = {"prompt": {"name": "a", "words": "x"}, "losses": {"area": {"weight": 1}}}
    merged = merge(base, {"prompt": {"name": "b"}, "losses": {"area": {"weight": 2}}})
    assert merged == {"prompt": {"name": "b"}, "losses": {"area": {"weight": 2}}}
    assert base == {"prompt": {"name": "a", "words": "x"}, "losses": {"area": {"weight": 1}}}


def test_another_part_keeps_what_its_interface_has_and_drops_the_rest() -> None:
    old = {"name": "a", "words": "x", "audio_token": "first", "pairing": "cross", "weight_decay": 0.1}
    prompt = merge({"prompt": old}, {"prompt": {"name": "b"}})["prompt"]
    assert prompt == {"name": "b", "audio_token": "first", "pairing": "cross", "weight_decay": 0.1}
    decoder = merge({"decoder": old}, {"decoder": {"name": "b"}})["decoder"]
    assert decoder == {"name": "b", "weight_decay": 0.1}
    assert merge({"backbone": old}, {"backbone": {"name": "b"}})["backbone"] == {"name": "b"}


def test_another_loss_under_one_name_keeps_the_weight_alone() -> None:
    old = {"a": {"part": "x", "weight": 2, "depth": 3}, "x": {"weight": 3, "depth": 4}, "gone": None}
    over = {"a": {"part": "y"}, "x": {"part": "x", "depth": 5}, "gone": {"part": "z"}}
    losses = merge({"losses": old}, {"losses": over})["losses"]
    assert losses["a"] == {"part": "y", "weight": 2}
    assert losses["x"] == {"part": "x", "weight": 3, "depth": 5}
    assert losses["gone"] == {"part": "z"}


@pytest.mark.parametrize("text", ["prompt: [", "- a list", "", "just words"])
def test_what_is_no_table(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^The file (is not valid YAML|must be tables)"):
        parse(text, "file")


@pytest.mark.parametrize("value", ["1e3", "1234e56", "-1.5E-7", ".5e1", "1.0e-3", "12", "no", "~", 1e-5, 1e3])
def test_what_is_written_is_read_again(value: object) -> None:
    tables = {"name": "mine", "backbone": {"pretrained": value}}
    assert parse(dump(tables), "file") == tables
    assert type(parse(dump(tables), "file")["backbone"]["pretrained"]) is type(value)


WRONG = {
    "unknown": ({"promt": {}}, r"The file has no part 'promt'. Did you mean 'prompt'\?"),
    "key that is no text": ({3: {}}, r"The file has no part '3'"),
    "null": ({"losses": None}, r"'losses' in the file must be a table of options, not None"),
    "list": ({"losses": ["area"]}, r"'losses' in the file must be a table of options, not \['area'\]"),
    "word": ({"training": "fast"}, r"'training' in the file must be a table of options, not 'fast'"),
    "loss": ({"losses": {"area": 5}}, r"losses.area in the file must be a table of options, not 5"),
    "term": ({"losses": {3: {}}}, r"A loss in the file is called 3: name it in letters"),
    "term with a dot": ({"losses": {"a.b": {}}}, r"A loss in the file is called 'a.b': name it in letters"),
    "loss that is no name": (
        {"losses": {"a": {"part": 5}}},
        r"losses.a.part in the file must be a name, not 5",
    ),
    "name": ({"name": None}, r"'name' in the file must be text, not None"),
    "summary": ({"summary": ["x"]}, r"'summary' in the file must be text, not \['x'\]"),
}


@pytest.mark.parametrize(("tables", "message"), WRONG.values(), ids=WRONG)
def test_what_is_of_the_wrong_type_is_named(tables: dict[Any, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_types(tables, "file", (*TEXTS, *TABLES))


def test_an_entry_of_losses_may_be_null() -> None:
    check_types({"losses": {"area": None}}, "file", TABLES)


@pytest.mark.parametrize("text", ["context_tokens=8", "prompt.context_tokens", "prompt..x=1", "=1", ""])
def test_an_override_of_another_form(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--set takes part.option=value.*got '"):
        parse_override(text)


def test_an_override_whose_value_is_no_yaml() -> None:
    with pytest.raises(ConfigError, match=r"The value in --set prompt.words=\[a cannot be read"):
        parse_override("prompt.words=[a")


def test_values_of_overrides_are_yaml() -> None:
    assert parse_override("a.b=1e-3x") == {"a": {"b": "1e-3x"}}
    assert parse_override("a.b = [1, 2]") == {"a": {"b": [1, 2]}}
    assert parse_override("a.rate=1e-3") == {"a": {"rate": 0.001}}
    assert parse_override("a.rate='1e-3'") == {"a": {"rate": "1e-3"}}
    assert parse_override("a.words=x = y") == {"a": {"words": "x = y"}}
