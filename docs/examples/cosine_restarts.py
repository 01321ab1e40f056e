"""A schedule: cosine annealing, with a restart every `period` steps: SGDR (arXiv 1608.03983, equation 5).

avprompt run souple --plugin docs/examples/cosine_restarts.py --set training.schedule.name=cosine-restarts
"""

from math import cos, pi

from pydantic import Field

from avprompt.plugin import Options, Schedule, hookimpl


class CosineRestartsOptions(Options):
    period: int = Field(default=100, ge=1)  # T_0, in steps
    growth: int = Field(default=1, ge=1)  # T_mult: each period is so many times as long as the one before


class CosineRestarts(Schedule):
    Config = CosineRestartsOptions

    def __call__(self, step, total):
        period = self.config.period
        while step >= period:
            step, period = step - period, period * self.config.growth
        return (1 + cos(pi * step / period)) / 2  # from the full rate down towards 0, then at once back


@hookimpl
def register_schedules(register):
    register("cosine-restarts", CosineRestarts)
