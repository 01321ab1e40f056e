"""How many rows to compute at once on a processor."""

from __future__ import annotations

import torch
from torch import Tensor

BUFFER = 2**25
"""Bytes of the largest block that glibc keeps for the next one who asks. Every larger one is new memory from
the system, handed over page by page, which a training step spends much of its time on."""


def rows_at_once(rows: int, numbers: int, device: torch.device) -> int:
    """Return how many of some rows to compute together.

    Args:
        rows: how many there are.
        numbers: float32 values in the largest tensor that one row makes.
        device: a GPU takes all of them.
    """
    return rows if device.type != "cpu" else min(rows, max(1, BUFFER // (4 * numbers)))


def in_groups(rows: Tensor, numbers: int) -> tuple[Tensor, ...]:
    """Split rows (B, ...) into groups that are computed together, see `rows_at_once`."""
    return torch.split(rows, max(1, rows_at_once(len(rows), numbers, rows.device)))
