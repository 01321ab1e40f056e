"""Sweeps of the tiny world."""

from __future__ import annotations

from typing import Any

from avprompt.sweeps.row import Row
from avprompt.sweeps.sweep import Sweep

STEPS = {"steps": 1, "batch_size": 4, "pictures": 0}
FACTORS = {
    "prompt": {"fixed": ("prompt.name=fixed",), "metanet": ()},
    "decoder": {"frozen": ("decoder.trained=false",), "trained": ()},
}


def tiny_sweep(**fields: Any) -> Sweep:
    """SouPLe on the tiny benchmark for one step, over the factors told."""
    return Sweep(**{"name": "tiny", "methods": ("souple",), "datasets": ("tiny",), "options": STEPS} | fields)


def row(**fields: Any) -> Row:
    """A row of a ledger: three samples, of which the first is a hit."""
    told = {"sweep": "tiny", "method": "souple", "dataset": "tiny", "split": "test", "seed": 0, "levels": {}}
    scored = {"protocol": "val-threshold", "metric": "cIoU", "score": 33.3333, "n": 3, "hits": "80"}
    others = {"cIoU": 33.3333, "AUC": 20.5, "mean_IoU": 21.0, "threshold": 0.5, "samples": "s"}
    tables = {
        "reliance": {"audio": {"silent": {"cIoU": 1.5}}},
        "beside": {},
        "losses": {},
        "versions": {"torch": "2"},
    }
    keys = {"weights": {}, "config": {"a.b": 1}, "code": "c", "digest": "d", "date": "2026-01-01T00:00Z"}
    spent = {"steps": 1, "trainable_parameters": 7, "seconds": 0.5, "machine": "m", "threads": 1}
    return Row(**told | scored | others | tables | keys | spent | fields)
