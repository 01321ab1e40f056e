"""How near do the text features of finished runs lie to those of class names?

A mask decoder was trained on text features of words. Where a method's lie far from all of them, it
cannot read them, whatever the loss says.

    python benchmarks/worlds/nearness.py RUN... [--clips 100] [--json]
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F

import avprompt
from avprompt.data.media import read_image, resize_image
from avprompt.evaluation.predict import name_objects
from avprompt.plugin.discovery import load_plugins
from avprompt.runs.results import read_results


def main() -> None:
    """Print the mean cosine to the nearest class name for each run and test split, beside its headline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [row for run in arguments.runs for row in rows_of(run, arguments.clips)]
    if arguments.json:
        print(json.dumps(rows))
        return
    table = Table("run", "split", "headline", "cosine to the nearest name")
    for row in rows:
        table.add_row(*(f"{cell:.2f}" if isinstance(cell, float) else cell for cell in row.values()))
    Console().print(table)


def rows_of(run: Path, clips: int) -> list[dict[str, str | float]]:
    """Return a row for each test split of a run on a benchmark that needs no data root."""
    result = read_results(run)
    protocol, metric = result.headline
    return [
        {
            "run": str(run),
            "split": split,
            "headline": result.scores[split][protocol][metric],
            "cosine": nearness(run, result.dataset, split, clips),
        }
        for split in result.scores
    ]


@torch.no_grad()
def nearness(run: Path, dataset: str, split: str, clips: int) -> float:
    """Return the mean over clips of the highest cosine of a clip's text feature with a class name's."""
    localizer = avprompt.load(run)
    method, spec = localizer.method, localizer.spec
    samples = load_plugins().registry.load("datasets", dataset)().split(split).samples
    named = name_objects(method.decoder, method.backbone, {sample.label for sample in samples})
    assert named is not None, "the text encoder does not know the names of this dataset"
    names = F.normalize(torch.cat([*named.text.values()]), dim=-1)  # (C, D)
    cosines = []
    for sample in islice(samples, clips):
        image = method.encode_image(
            spec.pixels(resize_image(read_image(sample.image), spec.image_size))[None]
        )
        audio = method.listen(method.encode_audio(spec.waveform(sample.audio)[None]))
        cosines.append(float((F.normalize(method.read(audio, image), dim=-1) @ names.T).max()))
    return sum(cosines) / len(cosines)


if __name__ == "__main__":
    main()
