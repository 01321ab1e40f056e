"""What scoring adds to inference: all protocols of a benchmark, with audio reliance, floors and ceilings.

The evaluator runs as `avprompt run` does, altered sounds included, on clips of noise with maps of the
benchmark's size, with and without measuring maps and making scores.

    python benchmarks/speed/evaluate.py [--benchmarks vggss avsbench-s4 toy] [--sizes mini published]
        [--images 64] [--threads 2] [--repeats 3] [--device auto] [--folder DIR] [--json]

At published size an eighth of the images are used.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from measuring import add_device, machine, options, report, seconds, set_up
from workload import SECONDS, Size, make_method, write_checkpoints

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.inputs import InputSpec
from avprompt.evaluation import evaluator as evaluation
from avprompt.evaluation.evaluator import Evaluator
from avprompt.evaluation.measure import MeasuredSamples, measure_batch
from avprompt.evaluation.score import score
from avprompt.features.encoding import Encoding
from avprompt.model.method import Method
from avprompt.plugin.discovery import load_plugins
from avprompt.records import Audio, GroundTruth, Sample, Split


def main() -> None:
    """Evaluate on every benchmark with every size of encoders."""
    parser = options(__doc__)
    add_device(parser)
    parser.add_argument("--benchmarks", nargs="+", default=["vggss", "avsbench-s4", "toy"])
    parser.add_argument(
        "--sizes", nargs="+", choices=("published", "small", "mini"), default=["mini", "published"]
    )
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="keep the random checkpoints here (1 GB)")
    arguments = parser.parse_args()
    device = set_up(arguments.threads, arguments.device)
    with tempfile.TemporaryDirectory() as temporary:
        rows = [
            row
            for size in arguments.sizes
            for row in measure_size(size, arguments.folder or Path(temporary), arguments, device)
        ]
    report(
        "Inference, and all protocols of a benchmark on top of it",
        ["Encoders", "Benchmark", "Images", "Inference, ms an image", "with scores", "On top, %"],
        rows,
        caption=machine(arguments.threads, device),
        as_json=arguments.json,
    )


def measure_size(size: Size, folder: Path, arguments: argparse.Namespace, device: str) -> list[list[Any]]:
    """Return a row for each benchmark."""
    write_checkpoints(size, folder)
    method = make_method("souple", size, folder, device)
    images = max(2, arguments.images // 8) if size == "published" else arguments.images
    registry, rows = load_plugins().registry, []
    for name in arguments.benchmarks:
        adapter: type[BenchmarkAdapter] = registry.load("datasets", name)
        protocols = [registry.load("protocols", protocol)() for protocol in adapter.protocols]
        evaluator = Evaluator(Encoding(method), input_spec(method, size), protocols, adapter.size)
        split = Split(draw_samples(images, adapter.size, evaluator.spec), images)
        timings = [evaluate(evaluator, split) for _ in range(arguments.repeats + 1)][1:]
        inference, scored = (1e3 * median(column) / images for column in zip(*timings, strict=True))
        on_top = median(full / alone - 1 for alone, full in timings)
        rows.append([size, name, images, inference, scored, 100 * on_top])
    return rows


def evaluate(evaluator: Evaluator, split: Split) -> tuple[float, float]:
    """Return the seconds of inference alone, and with measuring and scoring."""

    def infer() -> MeasuredSamples:
        return evaluator.measure(split, altered=True)

    with patch.object(evaluation, "measure_batch", remembering()):
        infer()
        alone = seconds(infer)
    return alone, seconds(lambda: score(infer(), None, evaluator.protocols))


def remembering() -> Callable[..., MeasuredSamples]:
    """Return a `measure_batch` that measures a batch once, and hands that out again in no time."""
    batches: dict[tuple[int, ...], MeasuredSamples] = {}

    def measure(places: list[int], *batch: Any) -> MeasuredSamples:
        key = tuple(places)
        if key not in batches:
            batches[key] = measure_batch(places, *batch)
        return batches[key]

    return measure


def input_spec(method: Method, size: Size) -> InputSpec:
    """Return how the method takes its inputs."""
    eye, ear = method.backbone, method.audio_encoder
    return InputSpec(eye.image_size, eye.mean, eye.std, ear.sample_rate, SECONDS[size])


def draw_samples(count: int, side: int, given: InputSpec) -> list[Sample]:
    """Return clips of noise with round objects, two sounds an image, one frame in eight without a source."""
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[:side, :side] / side
    samples = []
    for index in range(count):
        y, x, radius = draw.uniform(0.2, 0.8, 3)
        sounding = index % 8 != 7
        mask = (np.hypot(rows - y, columns - x) < radius / 2) & sounding
        picture = draw.integers(0, 256, (given.image_size, given.image_size, 3), dtype=np.uint8)
        noise = draw.standard_normal(round(given.rate * given.seconds), dtype=np.float32)
        samples.append(
            Sample(
                str(index),
                picture,
                Audio(0.1 * noise, given.rate),
                GroundTruth(mask.astype(np.float32)),
                label=f"class {index % 5}",
                group=str(index // 2),
                scenario="single" if sounding else "off-screen",
                sounding=sounding,
            )
        )
    return samples


if __name__ == "__main__":
    main()
