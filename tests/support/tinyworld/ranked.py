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
from avprompt.evaluation.measure import MeasuredSamples
from avprompt.plugin import ConfigError, DataError, Split
from avprompt.plugin.discovery import load_plugins
from avprompt.runs.dump import PredictionWriter
from avprompt_benchmarks.protocols.negative import NegativeAudio
from tinyworld.bench import PROTOCOLS, Bench
from tinyworld.benchmark import Broken, Tiny
from tinyworld.scenes import scene


@dataclass
class Outcome:
    """What a process made of every case."""

    batches: MeasuredSamples
    broken: MeasuredSamples
    nameless: MeasuredSamples
    named_again: MeasuredSamples
    one_batch: MeasuredSamples
    strict: str
    progress: list[int]


def on_ranks(size: int, folder: Path) -> list[Outcome]:
    """Evaluate with `size` processes, and return what each of them made of the cases."""
    processes.spawn(_process, (size, folder), nprocs=size)
    return [pickle.loads((folder / f"outcome-{rank}").read_bytes()) for rank in range(size)]


def evaluate_cases(folder: Path, here: Ranks = ALONE) -> Outcome:
    """Evaluate all cases in this process, together with its ranks."""
    bench, progress = Bench(load_plugins().registry, folder), list[int]()

    def evaluator(name: str, batch_size: int, **options: Any) -> Evaluator:
        protocols = [*PROTOCOLS, NegativeAudio()]
        given = {"batch_size": batch_size, "protocols": protocols, "ranks": here, "gallery": 4} | options
        return bench.evaluator(bench.method(name), **given)

    without_cyan = _without_cyan(evaluator("oracle", 4))
    test, broken = Tiny().split("test"), Broken().split("test")
    write = PredictionWriter(folder / "predictions").write
    return Outcome(
        batches=evaluator("souple", 2).measure(test, altered=True, write=write, on_batch=progress.append),
        broken=evaluator("souple", 2).measure(broken, altered=True),
        nameless=without_cyan.measure(test, altered=True),
        named_again=without_cyan.measure(Split(test.samples[:4], 4), altered=True),
        one_batch=evaluator("oracle", 8).measure(test, altered=True),
        strict=_message(evaluator("oracle", 2, strict=True)),
        progress=progress,
    )


def _process(rank: int, size: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder / 'meeting'}", rank=rank, world_size=size)
    outcome = evaluate_cases(folder, ranks())
    (folder / f"outcome-{rank}").write_bytes(pickle.dumps(outcome))
    dist.destroy_process_group()


def _without_cyan(evaluator: Evaluator) -> Evaluator:
    """Let the encoders lack the name of the fifth sample, which is in the second batch."""
    embed = evaluator.encoding.method.backbone.embed_text

    def small_vocabulary(text: str) -> torch.Tensor:
        if "cyan" in text:
            raise ConfigError("no such word")
        return embed(text)

    evaluator.encoding.method.backbone.embed_text = small_vocabulary  # type: ignore[method-assign]
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
