"""Evaluation of the tiny world by processes that share the work, and what each of them made of it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as processes

from avprompt.distributed import ALONE, Ranks, ranks
from avprompt.evaluation.evaluator import Evaluator
from avprompt.evaluation.measure import Measured
from avprompt.plugin import ConfigError, DataError, Split
from avprompt.plugin.discovery import load_plugins
from avprompt.runs.predictions import Writer
from avprompt_benchmarks.protocols.negative import NegativeAudio
from tinyworld.bench import Bench
from tinyworld.benchmark import Broken, Tiny
from tinyworld.scenes import scene


@dataclass
class Found:
    """What a process made of every case."""

    batches: Measured
    broken: Measured
    nameless: Measured
    one_batch: Measured
    strict: str
    progress: list[int]


def on_ranks(size: int, folder: Path) -> list[Found]:
    """Evaluate with `size` processes, and return what each of them found."""
    processes.spawn(_process, (size, folder), nprocs=size)
    return [pickle.loads((folder / f"found-{rank}").read_bytes()) for rank in range(size)]


def find(folder: Path, here: Ranks = ALONE) -> Found:
    """Evaluate all cases in this process, together with its ranks."""
    bench, progress = Bench(load_plugins().registry, folder), list[int]()

    def evaluator(name: str, batch_size: int, **options: Any) -> Evaluator:
        made = bench.evaluator(bench.method(name), ranks=here, gallery=4, **options)
        made.batch_size, made.protocols = batch_size, [*made.protocols, NegativeAudio()]
        return made

    keeper = Writer(folder / "predictions")
    test, broken = Tiny().split("test"), Broken().split("test")
    odd = evaluator("souple", 2, keeper=keeper, on_batch=progress.append)
    return Found(
        batches=odd.measure(test, altered=True),
        broken=evaluator("souple", 2).measure(broken, altered=True),
        nameless=_without_cyan(evaluator("oracle", 4)).measure(test, altered=True),
        one_batch=evaluator("oracle", 8).measure(test, altered=True),
        strict=_message(evaluator("oracle", 2, strict=True)),
        progress=progress,
    )


def _process(rank: int, size: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder / 'meeting'}", rank=rank, world_size=size)
    found = find(folder, ranks())
    (folder / f"found-{rank}").write_bytes(pickle.dumps(found))
    dist.destroy_process_group()


def _without_cyan(evaluator: Evaluator) -> Evaluator:
    """Let the encoders lack the name of the fifth sample, which is in the second batch."""
    embed = evaluator.method.backbone.embed_text

    def small_vocabulary(text: str) -> torch.Tensor:
        if "cyan" in text:
            raise ConfigError("no such word")
        return embed(text)

    evaluator.method.backbone.embed_text = small_vocabulary  # type: ignore[method-assign]
    return evaluator


def _message(evaluator: Evaluator) -> str:
    """Return why a strict evaluator stops at the third sample, which is in the second batch."""
    samples = [scene("test", index) for index in range(4)]
    samples[2] = replace(samples[2], image=Path("no-such-image.png"))
    split = Split(samples, len(samples))
    try:
        evaluator.measure(split, altered=False)
    except DataError as error:
        return str(error)
    return ""
