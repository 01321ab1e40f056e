"""What papers print for the very thing that a run has computed."""

from __future__ import annotations

from typing import Any

from avprompt.config.method_config import MethodConfig, resolve
from avprompt.data.benchmark import PublishedScores
from avprompt.runs.results import RunResult
from avprompt.runs.session import Session


def published_scores(session: Session, result: RunResult) -> list[PublishedScores]:
    """Return the printed numbers of this very composition, encoders, training data and whole splits."""
    training, registry = session.settings.training, session.loaded.registry
    if training.train_list is not None or training.shards is not None:
        return []
    compositions = registry.names("methods")
    return [
        scores
        for scores in session.adapter.published
        if result.is_whole(scores.split, session.adapter.expected)
        and scores.encoders == session.encoders
        and scores.composition
        and scores.composition[0] in compositions
        and _computed(resolve(registry, scores.composition[0], scores.encoders, scores.composition[1:]))
        == _computed(session.method_config)
    ]


def _computed(method: MethodConfig) -> dict[str, Any]:
    """Return what a method computes, without its texts and the machine's number of workers."""
    return method.model_dump(exclude={"name": True, "summary": True, "paper": True, "training": {"workers"}})
