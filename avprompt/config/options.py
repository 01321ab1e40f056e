"""Option tables: their base classes, and the check of a table with errors that name what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType, NoneType
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from avprompt.errors import ConfigError, PluginError, suggest
from avprompt.registry import KINDS, Registry

_SCALARS = {int: "a valid integer", float: "a valid number", bool: "true or false"}


class Options(BaseModel):
    """Base of every option table: an unknown option is an error, values are finite and do not change.

    A value is of the very type that its option has: '5' and true are no numbers, and 1 is not true.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_own_type(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would convert without a word."""
        types = _types(cls.model_fields[str(info.field_name)].annotation)
        if all(kind in (*_SCALARS, NoneType) for kind in types):
            items = value if isinstance(value, list | tuple) else (value,)
            if any(_converted(item, types) for item in items):
                expected = " or ".join(words for kind, words in _SCALARS.items() if kind in types)
                raise PydanticCustomError("kind", f"Input should be {expected}")
        return value


class TrainedOptions(Options):
    """Options that every part with parameters of its own has.

    Attributes:
        trained: False freezes the part.
        learning_rate_scale: multiplies the method's learning rate for this part.
        weight_decay: this part's own; None takes the method's.
    """

    trained: bool = True
    learning_rate_scale: float = Field(default=1.0, ge=0, le=1000)
    weight_decay: float | None = Field(default=None, ge=0, le=1000)


class ProjectionOptions(TrainedOptions):
    """Options of projections that can start at a word.

    Attributes:
        start: before training, every audio token lies next to the embedding of this word (of the mean of
            several), so that the text encoder reads a sentence; None leaves the layers as torch draws them.
    """

    start: str | None = None

    @field_validator("start")
    @classmethod
    def _says_something(cls, value: str | None) -> str | None:
        """Refuse a text without words, whose mean embedding would be no number."""
        if value is not None and not value.strip():
            raise PydanticCustomError("word", "Input should be a word, or null for none")
        return value


class PromptOptions(TrainedOptions):
    """Options of every prompt generator.

    Attributes:
        audio_token: the audio tokens come `last`, read in the space the context has set, or `first`, or
            behind so many context tokens; with `all` the text feature is the mean over every such position.
        pairing: in training, audio j is read under the context of its `own` image, or for each
            image i under image i's context (`cross`), which leaves no way to match without listening.
    """

    audio_token: Literal["last", "first", "all"] | int = "last"
    pairing: Literal["own", "cross"] = "own"

    @field_validator("audio_token", mode="before")
    @classmethod
    def _is_position(cls, value: Any) -> Any:
        """Tell what is wrong once, where pydantic would tell it of each type."""
        number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if not number and value not in ("last", "first", "all"):
            expected = "Input should be 'last', 'first' or 'all', or how many context tokens come before"
            raise PydanticCustomError("position", expected)
        return value


class LossOptions(Options):
    """Options of every loss; `weight` is its share of the sum."""

    weight: float = 1.0


# Kind of part -> the options of every part of the kind; those stay when another part is named.
SHARED_OPTIONS: Mapping[str, type[Options]] = MappingProxyType(
    {
        "backbones": Options,
        "audio_encoders": Options,
        "projections": TrainedOptions,
        "prompts": PromptOptions,
        "decoders": TrainedOptions,
        "maskers": TrainedOptions,
        "losses": LossOptions,
        "schedules": Options,
        "optimizers": Options,
        "callbacks": Options,
    }
)


def options(registry: Registry, kind: str, name: str, table: Mapping[str, Any], where: str) -> Any:
    """Return the validated options of one part, an instance of its `Config`.

    Raises:
        ConfigError: an option is unknown, or its value does not fit.
        PluginError: the part's `Config` is not a table of the kind's options, or has an option `name`, of a
            loss `part`, which is how a method names the part itself.
    """
    config, shared = registry.load(kind, name).Config, SHARED_OPTIONS[kind]
    if not (isinstance(config, type) and issubclass(config, shared)):
        raise PluginError(
            f"{registry.find(kind, name)} has a Config that is no table of options: {config!r}. "
            f"Write `class MyOptions({shared.__name__})`, in it a line such as `depth: int = 2`, and "
            f"`Config = MyOptions` in the part. Import {shared.__name__} from avprompt.plugin."
        )
    key = "part" if kind == "losses" else "name"
    if key in config.model_fields:
        raise PluginError(
            f"The {KINDS[kind]} '{name}' has an option '{key}', but {where}.{key} says which part it is. "
            "Its plugin must call the option something else."
        )
    return validate(config, table, where)


def validate(model: type[BaseModel], table: Mapping[str, Any], where: str) -> Any:
    """Return an instance of an options class, or say which option is wrong and what is near it."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} must be a table of options, not {table!r}.")
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        raise ConfigError(explain(error, where, model)) from error


def explain(error: ValidationError, where: str, model: type[BaseModel]) -> str:
    """Return what is wrong with some options, one sentence for each."""
    sentences = []
    for problem in error.errors():
        path = ".".join(str(key) for key in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = _model_at(model, problem["loc"][:-1]).model_fields
            hint = suggest(str(problem["loc"][-1]), known) if known else "What it names takes no options."
            sentences.append(f"{where} has no option '{path}'. {hint}")
        else:
            expected = "Input should be a list" if problem["type"] == "tuple_type" else problem["msg"]
            sentences.append(f"{where}.{path}: {expected} (got {problem['input']!r}).")
    return "\n".join(sentences)


def _types(annotation: Any) -> list[Any]:
    """Return the types that an annotation is made of: `tuple[int, ...] | None` takes int and None."""
    inner = [part for part in get_args(annotation) if part is not Ellipsis]
    return [kind for part in inner for kind in _types(part)] or [annotation]


def _converted(value: Any, types: Iterable[Any]) -> bool:
    """Say whether pydantic would make one of these scalar types of a value that is of none of them."""
    if isinstance(value, bool):
        return bool not in types
    if isinstance(value, int | float):
        return not {int, float}.intersection(types)
    return isinstance(value, str)


def _model_at(model: type[BaseModel], path: Iterable[str | int]) -> type[BaseModel]:
    for key in path:
        field = model.model_fields.get(str(key))
        inner = field.annotation if field else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return model
