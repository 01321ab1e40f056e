"""The method that is used where a user names none: an encoder set may bring one, trained and small.

Its table `demo` names it:

    demo:
      method: souple
      checkpoint: package:avprompt_mini/weights/demo.safetensors
      seconds: 2
      note: "miniature: knows drawn shapes only"
      advice: Name a method with published weights, ...
"""

from __future__ import annotations

from typing import Self

from pydantic import Field

from avprompt.config.method_file import DEMO
from avprompt.config.options import Options, validate
from avprompt.config.tables import parse
from avprompt.errors import ConfigError
from avprompt.registry import Registry


class Demo(Options):
    """A method that works without a download.

    Attributes:
        method: registered name.
        checkpoint: its trained parts, most often `package:<package>/<file>`.
        seconds: of sound that it was trained on.
        threshold: that makes masks of its heatmaps.
        dataset: benchmark whose clips it knows, made on the fly; None where there is none.
        note: what everybody must know who sees its maps, a few words.
        advice: how to get what knows more, sentences.
        encoders: the set that brings it.
    """

    method: str
    checkpoint: str
    seconds: float = Field(gt=0)
    threshold: float = Field(default=0.5, ge=0, le=1)
    dataset: str | None = None
    note: str
    advice: str
    encoders: str

    @classmethod
    def registered(cls, registry: Registry) -> Self:
        """Return the demo of the first encoder set, by name, that brings one.

        Raises:
            ConfigError: none does, or its table does not fit.
        """
        for encoders in registry.names("encoder_sets"):
            where = f"encoder set '{encoders}'"
            table = parse(registry.load("encoder_sets", encoders), where).get(DEMO)
            if table is not None:
                demo: Self = validate(cls, {**table, "encoders": encoders}, f"{where}, table {DEMO}")
                return demo
        raise ConfigError(
            "No encoder set that is installed brings a demo. Name a method or a run with --method "
            "(avprompt.load(METHOD_OR_RUN) in Python)."
        )
