"""The JSON Schema of a method's YAML, from the options of the parts that it names."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from avprompt.config.method_file import read_method
from avprompt.config.tables import ENCODERS, PART_KINDS, TEXTS, TRAINING_KINDS, Table, loss_part
from avprompt.config.training_options import TrainingOptions
from avprompt.registry import KINDS, Registry


def method_schema(registry: Registry, method: str) -> dict[str, Any]:
    """Return the schema of a method file that names the same parts as `method`.

    Raises:
        UnknownNameError: no such method, or one of its parts is not registered.
    """
    tables = read_method(registry, method)
    properties: dict[str, Any] = {key: {"type": "string"} for key in TEXTS}
    properties["base"]["description"] = "a registered method, or a file, that this one differs from"
    for part, kind in PART_KINDS.items():
        properties[part] = _part(registry, kind, tables.get(part, {}).get("name"))
    properties["losses"] = _losses(registry, tables.get("losses", {}))
    properties["training"] = _options(TrainingOptions)
    for option, kind in TRAINING_KINDS.items():
        properties["training"]["properties"][option] = _named(registry, kind)
    callbacks = {
        name: _options(registry.load("callbacks", name).Config) for name in registry.names("callbacks")
    }
    properties["training"]["properties"]["callbacks"] = {"type": "object", "properties": callbacks}
    properties["with"] = {"type": "object", "description": "changes by encoder set, tables as above"}
    whole = [part for part in PART_KINDS if part not in ENCODERS] + ["losses"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"avprompt method {tables['name']}",
        "type": "object",
        "properties": properties,
        "required": ["name"],
        "anyOf": [{"required": ["base"]}, {"required": whole}],
        "additionalProperties": False,
    }


def _losses(registry: Registry, terms: Table) -> dict[str, Any]:
    """Return the schema of `losses`: registered losses, the method's terms, and others with a `part`."""
    names = registry.names("losses")
    parts = dict(zip(names, names, strict=True))
    parts |= {term: loss_part(term, table) for term, table in terms.items() if table is not None}
    others = [_part(registry, "losses", name, "part") | {"required": ["part"]} for name in names]
    for schema, name in zip(others, names, strict=True):
        schema["properties"]["part"] = {"const": name}
    return {
        "type": "object",
        "properties": {term: _part(registry, "losses", name, "part") for term, name in parts.items()},
        "additionalProperties": {"anyOf": others},
    }


def _part(registry: Registry, kind: str, name: str | None, key: str = "name") -> dict[str, Any]:
    names = {"type": "string", "enum": registry.names(kind), "description": f"a registered {KINDS[kind]}"}
    if name is None:  # comes with the encoder set
        return {"type": "object", "properties": {key: names}}
    schema = _options(registry.load(kind, name).Config)
    schema["properties"] = {key: names, **schema.get("properties", {})}
    return schema


def _named(registry: Registry, kind: str) -> dict[str, Any]:
    """Return the schema of a part of training: a bare name, or a table with it and any one's options."""
    name = {"type": "string", "enum": registry.names(kind), "description": f"a registered {KINDS[kind]}"}
    return {"anyOf": [name, {"type": "object", "properties": {"name": name}}]}


def _options(config: type[BaseModel]) -> dict[str, Any]:
    return config.model_json_schema()
