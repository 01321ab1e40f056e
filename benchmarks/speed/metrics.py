"""Protocols, vectorised, against plain loops over samples and thresholds: milliseconds a map.

The script stops unless both give the same numbers.

    python benchmarks/speed/metrics.py [--maps 32] [--side 224] [--repeats 3] [--json]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from measuring import machine, median_seconds, options, report
from plain_metrics import PLAIN, measure_plainly

from avprompt.metrics.iou import TruthMasks
from avprompt.metrics.protocol import Protocol, measure_all
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.plugin.discovery import load_plugins

TOLERANCE = 1e-6
VGGSS = ("val-threshold", "acl-sweep", "ezvsl-median", "lvs-median", "kaist-adaptive", "negative-audio")


def main() -> None:
    """Measure each protocol alone, and those of VGG-SS together."""
    parser = options(__doc__)
    parser.add_argument("--maps", type=int, default=32)
    parser.add_argument("--side", type=int, default=224, help="of a map, pixels")
    arguments = parser.parse_args()
    heatmaps, truths = draw_maps(arguments.maps, arguments.side)

    def maps() -> ScoredMaps:  # new each time, so that nothing is worked out yet
        return ScoredMaps(heatmaps, TruthMasks(truths), np.zeros(len(heatmaps)))

    protocols = find_protocols()
    for name, protocol in protocols.items():
        compare(name, protocol.measure(maps()), heatmaps, truths)

    def time(action: Callable[[], object]) -> float:
        return 1e3 * median_seconds(action, int(arguments.repeats)) / len(heatmaps)

    def measure(protocol: Protocol) -> object:
        return protocol.measure(maps())

    ours = {name: time(partial(measure, protocol)) for name, protocol in protocols.items()}
    plain = {name: time(partial(measure_plainly, name, heatmaps, truths)) for name in protocols}
    together = [protocols[name] for name in VGGSS]
    ours["all of VGG-SS"] = time(lambda: measure_all(together, maps()))
    plain["all of VGG-SS"] = sum(plain[name] for name in VGGSS)
    report(
        f"Protocols on maps of {arguments.side} x {arguments.side}, equal to {TOLERANCE:.0e}",
        ["Protocol", "ours, ms a map", "plain loop", "plain / ours"],
        [[name, ours[name], plain[name], plain[name] / ours[name]] for name in ours],
        caption=machine(1),
        as_json=arguments.json,
    )


def draw_maps(count: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return smooth heatmaps and truths with fractions (count, side, side); the last truth is empty."""
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side] / side
    heatmaps, truths = np.zeros((2, count, side, side), dtype=np.float32)
    for index in range(count):
        y, x, radius = draw.uniform(0.2, 0.8, 3)
        far = np.hypot(rows - y, columns - x) / radius
        heatmaps[index] = np.exp(-((2 * far) ** 2)) * draw.uniform(0.9, 1, far.shape)
        truths[index] = np.clip(np.round(2 * (1.2 - 2 * far)) / 2, 0, 1)
    truths[-1] = 0
    return heatmaps, truths


def find_protocols() -> dict[str, Protocol]:
    """Return every protocol that has a plain form, by name."""
    registry = load_plugins().registry
    return {name: registry.load("protocols", name)() for name in PLAIN}


def compare(name: str, ours: dict[str, np.ndarray], heatmaps: np.ndarray, truths: np.ndarray) -> None:
    """Make sure that a protocol measures what the plain loop does."""
    for key, plain in measure_plainly(name, heatmaps, truths).items():
        np.testing.assert_allclose(ours[key], plain, rtol=0, atol=TOLERANCE, err_msg=f"{name}: {key}")


if __name__ == "__main__":
    main()
