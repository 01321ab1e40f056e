"""Schedules of the learning rate."""

from __future__ import annotations

import math

from avprompt.plugin import Schedule


class Constant(Schedule):
    """Stays at `training.learning_rate`."""

    def __call__(self, step: int, total: int) -> float:
        """Return 1."""
        del step, total
        return 1.0


class Cosine(Schedule):
    """Falls to 0 along half a cosine (SGDR, arXiv 1608.03983, equation 5, without restarts)."""

    def __call__(self, step: int, total: int) -> float:
        """Return a factor that falls from 1 and would be 0 at step `total`."""
        return 0.5 * (1 + math.cos(math.pi * step / total))
