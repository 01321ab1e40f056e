"""The model card of a run, as the Hugging Face hub reads it: metadata, scores with what they mean, use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from avprompt import __version__
from avprompt.report.rendering import rendered
from avprompt.runs.result_table import METRICS, context_table, score_table, spoken
from avprompt.runs.results import RunResult

TASK = "sound-source-localization"


def model_card(
    result: RunResult,
    tables: Mapping[str, Any],
    *,
    name: str | None = None,
    licence: str | None = None,
    gallery: bool = False,
) -> str:
    """Return the text of `README.md`.

    Args:
        result: all numbers of the run.
        tables: what its `config.yaml` holds.
        name: of the repository, `user/name`; OWNER/NAME unless given.
        licence: as the hub spells it, such as `apache-2.0`; none is stated unless given.
        gallery: whether `gallery.png` is there.
    """
    title = f"{result.method}-{result.dataset}-seed{result.seed}"
    scores = [score_table(result, split) for split in result.scores]
    scores += [context_table(result, split) for split in result.scores if split in result.context_reliance]
    return rendered(
        "model_card.md",
        metadata=_metadata(result, title, licence).to_yaml(),
        title=title,
        result=result,
        tables=tables,
        scores=scores,
        name=name or "OWNER/NAME",
        licence=licence,
        gallery=gallery,
        version=__version__,
    )


def _metadata(result: RunResult, title: str, licence: str | None) -> ModelCardData:
    return ModelCardData(
        library_name="avprompt",
        license=licence,
        tags=["avprompt", "audio-visual", TASK, result.method],
        model_name=title,
        eval_results=[*_evaluations(result)] or None,
    )


def _evaluations(result: RunResult) -> Iterator[EvalResult]:
    """Yield the scores with their protocols, each on its split."""
    for split, protocols in result.scores.items():
        for protocol, scores in protocols.items():
            for metric in dict.fromkeys((result.headline[1], *METRICS)):
                if isinstance(scores.get(metric), float):
                    yield EvalResult(
                        task_type=TASK,
                        dataset_type=result.dataset,
                        dataset_name=f"{result.dataset}, {split}",
                        dataset_split=split,
                        metric_type=metric,
                        metric_name=f"{spoken(metric)}, percent, {protocol}",
                        metric_value=round(scores[metric], 4),
                    )
