"""The JSON Schema of a method's YAML, from the options of the parts that it names."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from avprompt.config.method_config import TrainingOptions
from avprompt.config.method_file import read_method
from avprompt.config.tables import ENCODERS, PART_KINDS, TEXTS
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
    losses = {name: _options(registry.load("losses", name).Config) for name in registry.names("losses")}
    properties["losses"] = {"type": "object", "properties": losses, "additionalProperties": False}
    properties["training"] = _options(TrainingOptions)
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


def _part(registry: Registry, kind: str, name: str | None) -> dict[str, Any]:
    names = {"type": "string", "enum": registry.names(kind), "description": f"a registered {KINDS[kind]}"}
    if name is None:  # comes with the encoder set
        return {"type": "object", "properties": {"name": names}}
    schema = _options(registry.load(kind, name).Config)
    schema["properties"] = {"name": names, **schema.get("properties", {})}
    return schema


def _options(config: type[BaseModel]) -> dict[str, Any]:
    return config.model_json_schema()
