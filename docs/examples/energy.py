"""A protocol: the share of the heatmap that lies inside the truth, Score-CAM's energy (arXiv 1910.01279).

avprompt compare souple acl-ssl --plugin docs/examples/energy.py --protocol energy
"""

import numpy as np

from avprompt.plugin import Protocol, hookimpl


class Energy(Protocol):
    name = headline = "energy"
    summary = "sum of the heatmap inside the truth, by its whole sum; 0 for an empty heatmap"

    def measure(self, maps):
        inside = (maps.heatmaps * maps.truths.values).sum((1, 2))
        energy = inside / np.maximum(maps.heatmaps.sum((1, 2)), 1e-12)
        return {"energy": np.where(maps.truths.area > 0, energy, np.nan)}  # NaN: nothing sounds, not counted

    def per_sample(self, test, choice):
        return {"energy": test["energy"]}

    def floors(self, truths, columns):
        areas = [truth.mask.mean() for truth in truths if truth.mask.any()]
        return {"even-heatmap": {"energy": 100 * float(np.mean(areas))}} if areas else {}


@hookimpl
def register_protocols(register):
    register("energy", Energy)
