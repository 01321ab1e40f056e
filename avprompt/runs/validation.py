"""The validation split during training: scored under the benchmark's headline protocol.

Scores are computed as at the end but for one thing: `val-threshold`, which chooses its threshold on the
validation split, would choose it on the very samples that it scores. During training it chooses as it does
where there is no validation split: on each of two folds for the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from avprompt.errors import ConfigError, EvaluationError
from avprompt.evaluation.evaluator import Evaluator
from avprompt.evaluation.scored_protocol import ScoredProtocol
from avprompt.metrics.protocol import Protocol
from avprompt.runs.session import Session
from avprompt.training.build import build_callbacks
from avprompt.training.callbacks import Validate


def check_callbacks(session: Session) -> None:
    """Make sure, before anything is trained, that callbacks can be built and get what they need.

    Raises:
        ConfigError: validations are needed, and there are none or nothing to validate on.
    """
    training = session.method_config.training
    callbacks = build_callbacks(session.loaded.registry, training)
    needing = [f"callbacks.{name}" for name, callback in callbacks.items() if callback.needs_validation]
    if training.validate_every is not None:
        needing.append("validate_every")
    if not needing:
        return
    option = f"training.{needing[0]}"
    if session.adapter.validation_split is None:
        raise ConfigError(
            f"{option} needs a validation split, and '{session.settings.dataset}' has none; a test split "
            f"never takes its place. Leave it out: --set {option}=null."
        )
    if training.validate_every is None:
        raise ConfigError(
            f"{option} goes by the scores of the validation split, and training does not look at that. Say "
            "how often it should: --set training.validate_every=100, for every 100 steps."
        )


def validation(session: Session) -> Validate | None:
    """Return what scores the validation split with the method as it is; None where nobody asks for it."""
    training, adapter = session.method_config.training, session.adapter
    name = adapter.validation_split
    if training.validate_every is None or name is None:
        return None
    protocol, split = session.protocols()[0], adapter.split(name)
    evaluator = Evaluator(
        session.encoding,
        session.spec,
        [protocol],
        adapter.size,
        batch_size=training.batch_size,
        strict=session.settings.strict,
        gallery=0,
        seed=session.settings.seed,
        precision=session.accelerator.autocast,
        ranks=session.ranks,
        workers=training.workers,
    )

    def validate() -> tuple[str, Mapping[str, Any]]:
        try:
            measured = evaluator.measure(split, altered=bool(protocol.conditions))
        except EvaluationError as error:
            raise EvaluationError(f"In the split '{name}': {error}") from error
        scores = ScoredProtocol.of(protocol, measured, None).scores()
        check_headline(protocol, scores, str(name))
        return protocol.headline, scores

    return validate


def check_headline(protocol: Protocol, scores: Mapping[str, Any], split: str) -> None:
    """Make sure that scores of a split have a headline which callbacks can compare.

    Raises:
        EvaluationError: it is missing, or no finite number.
    """
    score = scores.get(protocol.headline)
    if not isinstance(score, Real) or not math.isfinite(score):
        raise EvaluationError(
            f"The protocol '{protocol.name}' gives the split '{split}' no finite {protocol.headline} but "
            f"{score!r}, and callbacks go by that. Name another protocol first (--protocol), or leave "
            "validations out: --set training.validate_every=null."
        )
