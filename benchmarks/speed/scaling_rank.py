"""One rank of `scaling.py`: its share of a training step, with a request in JSON, under torchrun."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import torch
from measuring import peak_gib, seconds
from multiply_adds import count_step
from torch import nn
from workload import SECONDS, draw_clips, make_method

from avprompt.distributed import make_accelerator, ranks
from avprompt.training.objective import EncodedBatch, Objective, RowNoise


def main(request: dict[str, Any]) -> dict[str, Any] | None:
    """Time steps with the other ranks; only the main one answers."""
    accelerator = make_accelerator(request["device"], "no")
    group, device = ranks(), accelerator.device.type
    torch.set_num_threads(max(1, request["threads"] // group.size))
    method = make_method(request["method"], request["size"], Path(request["folder"]))
    clips = draw_clips(method, request["size"], request["batch"])
    method.to(accelerator.device)
    objective: nn.Module = Objective(method, accelerator.autocast)
    if group.size > 1:
        objective = accelerator.prepare(objective)
    share = slice(group.rank, None, group.size)
    pixels, waveform = (whole[share].to(accelerator.device) for whole in (clips.pixels, clips.waveform))
    rows = group.rows(len(pixels))
    ids = tuple(map(str, range(len(pixels))))

    def train() -> None:
        method.zero_grad(set_to_none=True)
        image, frames = method.encode_image(pixels), method.encode_audio(waveform)
        losses = objective(EncodedBatch(ids, pixels, image, frames, RowNoise(0, 0, rows.start), rows))
        accelerator.backward(losses["total"])

    train()
    taken = median(seconds(train, device) for _ in range(request["repeats"]))
    peaks = group.objects(peak_gib(device))
    accelerator.end_training()
    if not group.main:
        return None
    counted = count_step(method, SECONDS[request["size"]]).ours(request["batch"])
    return {"seconds": taken, "peak_gib": sum(peaks), "multiply_adds": counted}


if __name__ == "__main__":
    if (answer := main(json.loads(sys.argv[1]))) is not None:
        print(json.dumps(answer))
