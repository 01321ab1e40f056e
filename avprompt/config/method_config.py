"""A method as data: one part of each kind, its options, and how it is trained.

`resolve` puts a composition together, later sources over earlier ones: the encoder set, the method's
YAML, what that file says `with` this encoder set, then the user's `--set part.option=value`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avprompt.config.options import explain, options
from avprompt.errors import ConfigError, UnknownNameError, suggest
from avprompt.registry import KINDS, Registry

# Table of a composition -> kind of part that its `name` names.
PART_KINDS = {
    "backbone": "backbones",
    "audio_encoder": "audio_encoders",
    "projection": "projections",
    "prompt": "prompts",
    "decoder": "decoders",
    "masker": "maskers",
}
# Options that stay when `--set` names another part: every part of the kind has them.
SHARED_OPTIONS = {"trained", "learning_rate_scale", "weight_decay", "audio_token", "pairing"}

Table = dict[str, Any]


class TrainingOptions(BaseModel):
    """How a method is trained.

    Attributes:
        learning_rate: of parts whose `learning_rate_scale` is 1.
        weight_decay: Adam's, as in the papers (not decoupled).
        batch_size: clips of a batch, over all ranks; InfoNCE contrasts each with all others.
        negatives: with several ranks, contrast a clip with those of all ranks (`global`), which gives the
            result of one process, or with those of its own rank only (`local`).
        accumulate: batches whose gradients make one step; each contrasts its own clips.
        epochs: passes over the training split.
        steps: when given, train exactly so many steps instead.
        warmup_steps: steps over which the learning rate rises from 0.
        schedule: what it does then: falls to 0 along a cosine, or stays.
        clip_norm: gradients longer than this are scaled to it; 0 switches that off.
        flip: mirror half of the images.
        crop: resize images to this times the input size and cut the input out at random.
        workers: processes that read data, for each process that trains; 0 reads in that process itself.
            None takes as many as there are cores, up to 8, where a GPU waits for them, and 0 elsewhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)
    batch_size: int = Field(default=16, ge=2)
    negatives: Literal["global", "local"] = "global"
    accumulate: int = Field(default=1, ge=1)
    epochs: int = Field(default=20, ge=1)
    steps: int | None = Field(default=None, ge=1)
    warmup_steps: int = Field(default=20, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    clip_norm: float = Field(default=1.0, ge=0)
    flip: bool = True
    crop: float = Field(default=1.1, ge=1)
    workers: int | None = Field(default=None, ge=0)

    def resized(self, side: int) -> int:
        """Return the side that images are resized to before an input of that side is cut out."""
        return round(side * self.crop)

    def fixed_images(self, side: int) -> bool:
        """Say whether inputs of that side are never cut out at random, so that they come back."""
        return self.resized(side) == side


class MethodConfig(BaseModel):
    """A method: its parts by registered name with their options, its losses and its training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    summary: str = ""
    paper: str = ""
    backbone: Table
    audio_encoder: Table
    projection: Table
    prompt: Table
    decoder: Table
    masker: Table
    losses: dict[str, Table]
    training: TrainingOptions = TrainingOptions()

    def to_yaml(self) -> str:
        """Return the composition as YAML that runs as a method again."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def method_text(registry: Registry, method: str) -> str:
    """Return the YAML of a registered method, or of a file when `method` names one.

    Raises:
        UnknownNameError: neither a file nor a registered name.
    """
    if method.endswith((".yaml", ".yml")):
        path = Path(method)
        if not path.is_file():
            raise UnknownNameError(f"There is no method file '{method}'.")
        return path.read_text(encoding="utf-8")
    text: str = registry.load("methods", method)
    return text


def resolve(
    registry: Registry,
    method: str,
    encoders: str,
    overrides: Iterable[str] = (),
    training: Mapping[str, Any] | None = None,
) -> MethodConfig:
    """Put a composition together and check every option of it.

    Args:
        registry: where names are looked up.
        method: a registered method or a YAML file.
        encoders: a registered encoder set.
        overrides: `part.option=value`, the value as YAML.
        training: training options of the command line; those that are None are left out.

    Raises:
        ConfigError: a table, option or value that does not fit, with the nearest that does.
        UnknownNameError: a name that nobody registered.
    """
    tables = _parse(method_text(registry, method), f"method '{method}'")
    tables.pop("run", None)  # a run directory's config.yaml also keeps the run's settings
    variant = _variant(tables.pop("with", None), encoders, method)
    base = _parse(registry.load("encoder_sets", encoders), f"encoder set '{encoders}'")
    merged = merge(merge(base, tables), variant)
    for override in sorted(overrides, key=_names_first):
        merged = merge(merged, parse_override(override))
    given = {key: value for key, value in (training or {}).items() if value is not None}
    merged = merge(merged, {"training": given})
    return check(registry, merged, f"method '{method}'")


def encoder_set(registry: Registry, encoders: str) -> dict[str, Table]:
    """Return the parts that an encoder set names, every default of theirs filled in."""
    where = f"encoder set '{encoders}'"
    tables = _parse(registry.load("encoder_sets", encoders), where)
    return {
        part: _part(registry, part, tables[part], where)
        for part in PART_KINDS
        if "name" in (tables.get(part) or {})
    }


def merge(base: Table, over: Mapping[str, Any]) -> Table:
    """Lay one set of tables over another.

    Naming another part drops the old part's own options; None removes an entry of `losses`.
    """
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if key in PART_KINDS and value.get("name", old.get("name")) != old.get("name"):
                old = {option: old[option] for option in old if option in SHARED_OPTIONS}
            merged[key] = merge(dict(old), value)
        else:
            merged[key] = value
    return merged


def parse_override(text: str) -> Table:
    """Turn `part.option=value` into nested tables.

    Raises:
        ConfigError: not of that form, or the value is not YAML.
    """
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    if not equals or len(keys) < 2 or not all(keys):
        raise ConfigError(f"--set takes part.option=value, such as prompt.context_tokens=8; got '{text}'.")
    try:
        nested: Any = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"The value in --set {text} cannot be read: {error}") from error
    for key in reversed(keys):
        nested = {key: nested}
    return dict(nested)


def check(registry: Registry, tables: Table, where: str) -> MethodConfig:
    """Validate tables against the options of the parts they name, and fill in every default."""
    _check_keys(tables, where)
    checked = dict(tables)
    for part in PART_KINDS:
        checked[part] = _part(registry, part, tables.get(part) or {}, where)
    losses = {name: table for name, table in (tables.get("losses") or {}).items() if table is not None}
    checked["losses"] = {
        name: _fill(registry, "losses", name, table, f"losses.{name}") for name, table in losses.items()
    }
    try:
        return MethodConfig(**checked)
    except ValidationError as error:
        raise ConfigError(explain(error, where, MethodConfig)) from error


def _names_first(override: str) -> bool:
    """Sort the choice of a part before the options of it, whatever order they were given in."""
    return not override.partition("=")[0].strip().endswith(".name")


def _variant(variants: Any, encoders: str, method: str) -> Table:
    """Return what a method says `with` an encoder set."""
    if not isinstance(variants or {}, Mapping):
        raise ConfigError(f"'with' in the method '{method}' must be tables by encoder set, not {variants!r}.")
    variant = (variants or {}).get(encoders) or {}
    if not isinstance(variant, Mapping):
        raise ConfigError(f"'with.{encoders}' in the method '{method}' must be tables, not {variant!r}.")
    return dict(variant)


def _part(registry: Registry, part: str, table: Mapping[str, Any], where: str) -> Table:
    own = dict(table)
    name = own.pop("name", None)
    if name is None:
        raise ConfigError(f"The {where} names no {KINDS[PART_KINDS[part]]}: {part}.name is missing.")
    return {"name": name, **_fill(registry, PART_KINDS[part], name, own, part)}


def _fill(registry: Registry, kind: str, name: Any, table: Mapping[str, Any], where: str) -> Table:
    if not isinstance(name, str):
        raise ConfigError(f"{where}.name must be a name, not {name!r}.")
    filled: Table = options(registry, kind, name, table, where).model_dump(mode="json")
    return filled


def _check_keys(tables: Table, where: str) -> None:
    known = set(MethodConfig.model_fields)
    for key in tables:
        if key not in known:
            raise ConfigError(f"The {where} has no part '{key}'. {suggest(str(key), known)}")
    for key in set(tables) - {"name", "summary", "paper"}:
        if not isinstance(tables[key], Mapping):
            raise ConfigError(f"'{key}' in the {where} must be a table of options, not {tables[key]!r}.")


def _parse(text: str, where: str) -> Table:
    try:
        tables = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"The {where} is not valid YAML: {error}") from error
    if not isinstance(tables, dict):
        raise ConfigError(f"The {where} must be tables of options, see `avprompt show souple`.")
    return tables
