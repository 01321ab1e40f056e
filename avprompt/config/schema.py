"""The JSON Schema of a method's YAML, from the options of the parts that it names."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel

from avprompt.config.method_config import PART_KINDS, TrainingOptions, method_text
from avprompt.registry import KINDS, Registry


def method_schema(registry: Registry, method: str) -> dict[str, Any]:
    """Return the schema of a method file that names the same parts as `method`.

    Raises:
        UnknownNameError: no such method, or one of its parts is not registered.
    """
    tables = yaml.safe_load(method_text(registry, method))
    properties: dict[str, Any] = {key: {"type": "string"} for key in ("name", "summary", "paper")}
    for part, kind in PART_KINDS.items():
        name = (tables.get(part) or {}).get("name")
        properties[part] = _part(registry, kind, name)
    losses = {name: _options(registry.load("losses", name).Config) for name in registry.names("losses")}
    properties["losses"] = {"type": "object", "properties": losses, "additionalProperties": False}
    properties["training"] = _options(TrainingOptions)
    properties["with"] = {"type": "object", "description": "changes by encoder set, tables as above"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"avprompt method {tables.get('name', method)}",
        "type": "object",
        "properties": properties,
        "required": ["name", "projection", "prompt", "decoder", "masker", "losses"],
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
