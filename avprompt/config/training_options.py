"""The options of training: the table `training` of a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from avprompt.config.options import Options
from avprompt.config.tables import TRAINING_KINDS, Table, name_and_options


class TrainingOptions(Options):
    """How a method is trained.

    Attributes:
        learning_rate: of parts whose `learning_rate_scale` is 1; Adam moves each parameter by up to as much
            in a step.
        weight_decay: what the optimizer takes it for; `adam` adds it to the gradient, as in the papers.
        batch_size: clips of a batch, over all ranks; InfoNCE contrasts each with all others.
        negatives: with several ranks, contrast a clip with those of all ranks (`global`), which gives the
            result of one process, or with those of its own rank only (`local`).
        accumulate: batches whose gradients make one step; each contrasts its own clips.
        epochs: passes over the training split.
        steps: when given, train exactly so many steps instead.
        warmup_steps: steps over which the learning rate rises from 0.
        schedule: what it does then: a registered schedule by its name, such as `cosine` or `constant`, or a
            table with the name and options, `{name: mine, period: 100}`.
        optimizer: a registered optimizer likewise.
        callbacks: what looks on, a table of options by registered name; None takes one of the base away.
        validate_every: steps between two scorings of the benchmark's validation split under its headline
            protocol, which callbacks are shown; there is one after the last step, too. None: never.
        clip_norm: gradients longer than this are scaled to it; 0 switches that off.
        flip: mirror half of the images.
        crop: resize images to this times the input size and cut the input out at random.
        workers: processes that read data, for each process that trains; 0 reads in that process itself.
            None takes as many as there are cores, up to 8, where a GPU waits for them, and 0 elsewhere.
    """

    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    weight_decay: float = Field(default=1e-5, ge=0, le=1000)
    batch_size: int = Field(default=16, ge=2)
    negatives: Literal["global", "local"] = "global"
    accumulate: int = Field(default=1, ge=1)
    epochs: int = Field(default=20, ge=1)
    steps: int | None = Field(default=None, ge=1)
    warmup_steps: int = Field(default=20, ge=0)
    schedule: str | Table = "cosine"
    optimizer: str | Table = "adam"
    callbacks: dict[str, Table | None] = Field(default_factory=dict)
    validate_every: int | None = Field(default=None, ge=1)
    clip_norm: float = Field(default=1.0, ge=0)
    flip: bool = True
    crop: float = Field(default=1.1, ge=1)
    workers: int | None = Field(default=None, ge=0)

    @field_validator(*TRAINING_KINDS, mode="before")
    @classmethod
    def _named(cls, part: Any, info: ValidationInfo) -> Any:
        """Take a name, or a table; one without a name changes options of the part that is the default."""
        if isinstance(part, Mapping):
            part = {"name": cls.model_fields[str(info.field_name)].default, **part}
        if not isinstance(part, str | Mapping) or not isinstance(name_and_options(part)[0], str):
            raise PydanticCustomError("part", "Input should be a name, or a table with a name and options")
        return part

    def resized(self, side: int) -> int:
        """Return the side that images are resized to before an input of that side is cut out."""
        return round(side * self.crop)

    def fixed_images(self, side: int) -> bool:
        """Say whether inputs of that side are never cut out at random, so that they come back."""
        return self.resized(side) == side
