"""A row of a ledger: what is kept of a finished run on one test split, complete without its directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from avprompt.errors import DataError
from avprompt.runs.compared_method import sample_value
from avprompt.runs.directory import RunDirectory
from avprompt.runs.results import RunResult, read_rows
from avprompt.sweeps.cells import Cell
from avprompt.sweeps.identity import Identity
from avprompt.training.state import read_log

_TABLES = ("levels", "reliance", "beside", "losses", "weights", "versions", "config")
_PARTS = 10


class Row(BaseModel):
    """What a ledger keeps of a run on one test split; scores in percent.

    Attributes:
        sweep: that made the run.
        levels: the level of each factor there.
        protocol: the headline, and `metric` its headline metric.
        score: the headline.
        n: samples that count under the headline.
        threshold: chosen for it; None where there is none or several.
        reliance: altered sound or context -> headline metric.
        beside: ceilings, the class-supervised row, and what papers print for this very run.
        steps: of training; 0 where nothing is trained.
        losses: each loss term, weighted -> its mean in each tenth of the training; may be empty.
        seconds: wall time of training and evaluation.
        hits: what each sample adds to the headline in the order of `samples.csv`, see `pack`.
        samples: hash of the samples and their truths; rows of one hash may be paired.
        digest: hash of `config`, what is computed; see `avprompt.sweeps.identity.Identity`.
        code: hash of what computed it; empty where nobody knows, as are machine and threads.
        weights: SHA-256 of the encoders' weight files.
        date: when the row was written, UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sweep: str
    method: str
    dataset: str
    split: str
    seed: int
    levels: dict[str, str]
    protocol: str
    metric: str
    score: float
    cIoU: float | None = None
    AUC: float | None = None
    mean_IoU: float | None = None
    n: int
    threshold: float | None = None
    reliance: dict[str, Any]
    beside: dict[str, Any]
    steps: int
    losses: dict[str, list[float]]
    trainable_parameters: int
    seconds: float
    machine: str
    threads: int | None
    versions: dict[str, str]
    weights: dict[str, str]
    date: str
    code: str
    digest: str
    samples: str
    hits: str
    config: dict[str, Any] = Field(repr=False)

    @field_validator(*_TABLES, mode="before")
    @classmethod
    def _read_json(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("cIoU", "AUC", "mean_IoU", "threshold", "threads", mode="before")
    @classmethod
    def _read_nothing(cls, value: Any) -> Any:
        return None if value == "" else value

    def cells(self) -> dict[str, str]:
        """Return the row as text, as csv holds it."""
        table = self.model_dump(mode="json")
        packed = {name: json.dumps(table[name], separators=(",", ":")) for name in _TABLES}
        return {name: "" if value is None else str(value) for name, value in (table | packed).items()}


COLUMNS = tuple(Row.model_fields)


def pack(values: np.ndarray) -> str:
    """Return what samples (N,) add to a mean, 0 to 1, as hexadecimal text.

    A bit for each where all are 0 or 1, the first sample first; else the eight digits of a float32.
    """
    if np.isin(values, (0, 1)).all():
        return np.packbits(values.astype(bool)).tobytes().hex()
    return values.astype("<f4").tobytes().hex()


def unpack(hits: str, n: int) -> np.ndarray:
    """Return the values (n,) that `pack` wrote, as float64.

    Raises:
        DataError: the text is not of so many samples.
    """
    content = bytes.fromhex(hits)
    if len(content) == -(-n // 8):
        return np.unpackbits(np.frombuffer(content, np.uint8), count=n).astype(np.float64)
    if len(content) == 4 * n:
        return np.frombuffer(content, "<f4").astype(np.float64)
    raise DataError(f"A row of a ledger has {n} samples, but hits of {len(content)} bytes: it is damaged.")


def rows_of(
    sweep: str, cell: Cell, identity: Identity, result: RunResult, *, made_by: Mapping[str, Any]
) -> list[Row]:
    """Return the rows of a finished run, one for each test split.

    Args:
        sweep: its name.
        cell: of the sweep.
        identity: of the cell.
        result: what `cell.folder` holds.
        made_by: `code`, `machine` and `threads`, as far as they are known.
    """
    protocol, metric = result.headline
    values, losses = _hits(cell.folder, protocol, metric), losses_of(cell.folder)
    rows = []
    for split, of_split in result.scores.items():
        scores, threshold = of_split[protocol], of_split[protocol].get("threshold")
        row = Row(
            sweep=sweep,
            method=cell.method,
            dataset=cell.dataset,
            split=split,
            seed=cell.seed,
            levels=dict(cell.levels),
            protocol=protocol,
            metric=metric,
            score=scores[metric],
            cIoU=scores.get("cIoU"),
            AUC=scores.get("AUC"),
            mean_IoU=scores.get("mean_IoU"),
            n=len(values[split]) if split in values else result.samples[split].used,
            threshold=threshold if isinstance(threshold, float | int) else None,
            reliance=_reliance(result, split),
            beside=_beside(result, split),
            steps=result.training.steps if result.training else 0,
            losses=losses,
            trainable_parameters=result.trainable_parameters,
            seconds=round(sum(result.seconds.values()), 1),
            machine=made_by.get("machine", ""),
            threads=made_by.get("threads"),
            versions={name: result.versions[name] for name in ("python", "torch", "avprompt")},
            weights=result.checksums,
            date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
            code=made_by.get("code", ""),
            digest=identity.digest,
            samples=_samples(result, split),
            hits=pack(np.array(values[split])) if split in values else "",
            config=identity.config,
        )
        rows.append(row)
    return rows


def losses_of(folder: Path) -> dict[str, list[float]]:
    """Return the mean of each loss term in each tenth of the training; steps that were left out have none."""
    steps = [line["losses"] for line in read_log(folder) if line.get("losses")]
    parts = [part for part in np.array_split(np.arange(len(steps)), _PARTS) if len(part)]
    terms = steps[0] if steps else {}
    return {term: [round(fmean(steps[k][term] for k in part), 4) for part in parts] for term in terms}


def _hits(folder: Path, protocol: str, metric: str) -> dict[str, list[float]]:
    """Return what each sample adds to the headline, 0 to 1, by split; without those that do not count."""
    values: dict[str, list[float]] = {}
    path = RunDirectory(folder).samples
    for row in read_rows(path) if path.is_file() else []:
        value = sample_value(row, protocol, metric)
        if value is not None:
            values.setdefault(row["split"], []).append(value)
    return values


def _samples(result: RunResult, split: str) -> str:
    digests = result.digests.get(split, {})
    return "-".join(digests[key][:12] for key in ("ids", "truths") if key in digests)


def _reliance(result: RunResult, split: str) -> dict[str, Any]:
    """Return what is left of the headline under each altered input that the results tell of."""
    tables = {name: getattr(result, name) for name in RunResult.model_fields if name.endswith("_reliance")}
    return {name.removesuffix("_reliance"): table[split] for name, table in tables.items() if split in table}


def _beside(result: RunResult, split: str) -> dict[str, Any]:
    beside: dict[str, Any] = {
        "floors": result.floors.get(split, {}),
        "ceilings": result.ceilings.get(split, {}),
        "class_supervised": result.class_supervised.get(split, {}),
        "published": [
            {
                "method": printed.method,
                "protocol": printed.protocol,
                "trained_on": printed.trained_on,
                "scores": dict(printed.scores),
            }
            for printed in result.published
            if printed.split == split
        ],
    }
    return {name: value for name, value in beside.items() if value}
