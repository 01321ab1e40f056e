"""The JSON Schema of a method's YAML, checked against the shipped methods."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from avprompt.config.method_file import method_text
from avprompt.config.schema import method_schema
from avprompt.config.tables import PART_KINDS
from avprompt.errors import UnknownNameError
from avprompt.plugin.discovery import load_plugins
from avprompt.registry import Registry

METHODS = load_plugins().registry.names("methods")


def unknown(table: Any, schema: dict[str, Any], at: str = "") -> list[str]:
    """Name every option that the schema does not allow."""
    if not isinstance(table, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    wrong = [f"{at}{key}" for key in table if key not in known]
    return wrong + [
        name for key in table.keys() & known.keys() for name in unknown(table[key], known[key], f"{at}{key}.")
    ]


@pytest.mark.parametrize("method", METHODS)
def test_the_shipped_yaml_fits(registry: Registry, method: str) -> None:
    tables, schema = yaml.safe_load(method_text(registry, method)), method_schema(registry, method)
    assert unknown(tables, schema) == []
    assert set(schema["required"]) <= set(tables)
    assert any(set(choice["required"]) <= set(tables) for choice in schema["anyOf"])


def test_a_file_with_a_base_need_not_hold_the_rest(registry: Registry) -> None:
    schema = method_schema(registry, "souple-cross")
    assert schema["required"] == ["name"]
    whole = {"projection", "prompt", "decoder", "masker", "losses"}
    assert [set(choice["required"]) for choice in schema["anyOf"]] == [{"base"}, whole]


def test_options_are_those_of_the_bases_parts(registry: Registry) -> None:
    cross, souple = (method_schema(registry, name)["properties"] for name in ("souple-cross", "souple"))
    assert cross["prompt"] == souple["prompt"]
    assert cross["base"]["type"] == "string"


def test_what_does_not_exist_is_not_allowed(registry: Registry) -> None:
    schema = method_schema(registry, "souple")
    tables = {"prompt": {"name": "metanet", "wordz": "x"}, "loses": {}, "losses": {"area": {"tagret": 1}}}
    assert sorted(unknown(tables, schema)) == ["loses", "losses.area.tagret", "prompt.wordz"]
    for table in (schema, schema["properties"]["prompt"], schema["properties"]["training"]):
        assert table["additionalProperties"] is False


def test_parts_are_the_registered_ones(registry: Registry) -> None:
    properties = method_schema(registry, "souple")["properties"]
    for part, kind in PART_KINDS.items():
        assert properties[part]["properties"]["name"]["enum"] == registry.names(kind)
    assert set(properties["losses"]["properties"]) == set(registry.names("losses"))


def test_a_loss_may_stand_under_another_name(register: Any) -> None:
    terms = {"small": {"part": "area", "target": 0.1}}
    registry = register("methods", "twice", {"name": "twice", "base": "souple", "losses": terms})
    losses = method_schema(registry, "twice")["properties"]["losses"]
    assert "target" in losses["properties"]["small"]["properties"]
    new = {
        choice["properties"]["part"]["const"]: choice for choice in losses["additionalProperties"]["anyOf"]
    }
    assert set(new) == set(registry.names("losses"))
    assert "temperature" in new["image-contrastive"]["properties"]
    assert all(choice["required"] == ["part"] for choice in new.values())
    assert all(choice["additionalProperties"] is False for choice in new.values())


def test_bounds_and_defaults_are_the_parts(registry: Registry) -> None:
    prompt = method_schema(registry, "souple")["properties"]["prompt"]["properties"]
    assert prompt["context_tokens"] == {
        "type": "integer",
        "minimum": 1,
        "default": 4,
        "title": "Context Tokens",
    }
    assert prompt["pairing"]["enum"] == ["own", "cross"]


def test_an_unknown_method(registry: Registry) -> None:
    with pytest.raises(UnknownNameError, match="There is no method 'suple'"):
        method_schema(registry, "suple")
