"""From measured batches, in whatever process and order, to all that was measured on a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from avprompt.distributed import merged
from avprompt.evaluation.measure import Block, Measured, Part, Values
from avprompt.evaluation.truths import Truths
from avprompt.metrics.protocol import Protocol
from avprompt.records import Split

DISTRACTOR = "distractor/"


def join(parts: Sequence[Part], split: Split, protocols: Sequence[Protocol]) -> Measured:
    """Put what all processes measured into the order of the split; there must be a block."""
    blocks = sorted((block for part in parts for block in part.blocks), key=lambda block: block.places)
    starts = accumulate((len(block.places) for block in blocks), initial=0)
    return Measured(
        ids=[name for block in blocks for name in block.ids],
        labels=[label for block in blocks for label in block.labels],
        truths=Truths([truth for block in blocks for truth in block.truths]),
        values=_values(blocks, protocols),
        distractor_rows=[
            start + k for start, block in zip(starts, blocks, strict=False) for k in block.distractors
        ],
        confidence=np.concatenate([block.confidence for block in blocks]),
        missing=(*split.missing, *merged([part.missing for part in parts]).values()),
        expected=split.expected,
        shown=list(merged([part.shown for part in parts]).values()),
    )


def _values(blocks: Sequence[Block], protocols: Sequence[Protocol]) -> Values:
    """Join the measurements; a condition that was not possible for every batch is left out."""
    keys = dict.fromkeys(key for block in blocks for key in block.values)
    columns = _concatenate([block.columns for block in blocks])
    values: Values = {}
    for key in keys:
        rows = [block.values[key] for block in blocks if key in block.values]
        if key[0].startswith(DISTRACTOR):
            values[key] = _concatenate(rows)  # of some samples only
        elif len(rows) == len(blocks):
            values[key] = _concatenate(rows) | columns
    for protocol in protocols:
        _merge_conditions(values, protocol)
    return values


def _merge_conditions(values: Values, protocol: Protocol) -> None:
    """Hand a protocol its measurements under altered sounds as `condition/measurement`."""
    true = values["true", protocol.name]
    for condition in protocol.conditions:
        for key, value in values.get((condition, protocol.name), {}).items():
            true[f"{condition}/{key}"] = value


def _concatenate(rows: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}
