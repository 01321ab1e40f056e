"""Is the right answer a minimum of the losses? Every sound is replaced by the exact name of what sounds.

A loss that is higher for exact names than for guessing (ln B) drives training away from them. That happens
where a temperature is too sharp for the spread of an encoder's cosines, as many clips of a batch show what
another one sounds like. The areas of exactly named masks say what the area term should aim at.

    python benchmarks/worlds/objective.py [--dataset NAME] [--batches 12] [--temperature 0.07]... [--json]
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from avprompt.data.media import read_image, resize_image
from avprompt.distributed import ALONE
from avprompt.evaluation.predict import name_objects
from avprompt.model.grounding import Grounding
from avprompt.plugin.discovery import load_plugins
from avprompt.runs.session import Session, open_session
from avprompt.runs.settings import Settings
from avprompt.training.objective import RowNoise

TERMS = ("image-contrastive", "feature-contrastive")
COLUMNS = (*TERMS, "own area", "area of others")


def main() -> None:
    """Print the losses of exact names at each temperature, and the areas of their masks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dataset", default="toy-vague")
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--temperature", type=float, action="append")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for temperature in arguments.temperature or (0.07, 0.1, 0.2, 0.3):
        session = open_named(arguments.dataset, temperature)
        means = np.mean([*islice(losses_of_names(session), arguments.batches)], axis=0)
        rows.append({"temperature": temperature} | dict(zip(COLUMNS, means.tolist(), strict=True)))
    if arguments.json:
        print(json.dumps(rows))
        return
    batch = session.method_config.training.batch_size
    caption = f"Guessing among {batch} clips: {math.log(batch):.2f}"
    table = Table("temperature", *COLUMNS, title=arguments.dataset, caption=caption)
    for row in rows:
        table.add_row(*(f"{value:.2f}" for value in row.values()))
    Console().print(table)


def open_named(dataset: str, temperature: float) -> Session:
    """Return SouPLe on a world of the mini encoders, untrained, at one temperature."""
    overrides = tuple(f"losses.{term}.temperature={temperature}" for term in TERMS)
    return open_session(load_plugins(), "souple", Settings(dataset=dataset, overrides=overrides))


@torch.no_grad()
def losses_of_names(session: Session) -> Iterator[list[float]]:
    """Yield for each batch of the training split the losses of `TERMS` and the two mean areas, unweighted."""
    method, size = session.method.eval(), session.method_config.training.batch_size
    samples = session.training_split().samples
    named = name_objects(method.decoder, method.backbone, {sample.label for sample in samples})
    assert named is not None, "the text encoder does not know the names of this dataset"
    spec = session.spec
    for start in range(0, len(samples) - size + 1, size):
        batch = [samples[place] for place in range(start, start + size)]
        images = [resize_image(read_image(sample.image), spec.image_size) for sample in batch]
        pixels = torch.stack([spec.pixels(image) for image in images])
        text = torch.cat([named.text[sample.label] for sample in batch])
        yield [*_losses(session, pixels, text, RowNoise(0, start))]


def _losses(session: Session, pixels: Tensor, text: Tensor, noise: RowNoise) -> Sequence[float]:
    method, count = session.method, len(pixels)
    image = method.encode_image(pixels)
    logits = method.decoder(image, text, pairs=True)
    grounding = Grounding(
        method.masker,
        method.backbone.pool_image,
        pixels,
        image,
        text.expand(count, -1, -1),
        logits,
        noise,
        ALONE.rows(count),
    )
    own, others = grounding.areas
    return [*(float(method.losses[term](grounding)) for term in TERMS), float(own), float(others)]


if __name__ == "__main__":
    main()
