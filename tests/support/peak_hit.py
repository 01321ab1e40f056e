"""A protocol in one file: the share of clips whose hottest pixel is inside the truth."""

import numpy as np

from avprompt.plugin import Protocol, hookimpl


class PeakHit(Protocol):
    name = "peak-hit"
    summary = "the maximum of the heatmap is inside the truth"
    headline = "hit_rate"

    def measure(self, maps):
        peak = maps.heatmaps == maps.heatmaps.max(axis=(1, 2), keepdims=True)
        hits = (peak & maps.truths.inside).sum(axis=(1, 2))
        return {"hit": hits / peak.sum(axis=(1, 2))}  # pixels that tie share the hit

    def per_sample(self, test, choice):
        return {"hit_rate": test["hit"]}

    def floors(self, truths, columns):
        covered = [np.mean(truth.mask > 0) for truth in truths]
        return {"random-pixel": {"hit_rate": 100 * float(np.mean(covered))}}


@hookimpl
def register_protocols(register):
    register("peak-hit", PeakHit)
