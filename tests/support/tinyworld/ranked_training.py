"""Training in the tiny world by processes that share the work, and what each of them ended with."""

from __future__ import annotations

import os
import pickle
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as processes
from torch import Tensor

from avprompt.distributed import ranks
from avprompt.plugin.discovery import load_plugins
from avprompt.training.interruption import Interrupted
from avprompt.training.objective import RowNoise
from avprompt.training.state import StepReport
from avprompt.weights.checkpoint import trained_state
from tinyworld.bench import Bench
from tinyworld.training import log

STEPS = 2
CASES: dict[str, tuple[str, ...]] = {
    "souple": (),
    "souple-cross": (),
    "souple-attention": (),
    "acl-ssl": ("projection.dropout=0",),
    "maple": ("prompt.depth=3",),
    "souple odd": ("training.batch_size=5",),
    "souple accumulate": ("training.accumulate=2",),
    "souple sigmoid": ("losses.sigmoid.level=feature", "losses.feature-contrastive=null"),
    "souple without-sigmoid": ("losses.sigmoid.weight=0",),
    "souple local": ("training.negatives=local",),
    "souple broken": (),
    "souple interrupted": (),
}


@dataclass
class Trained:
    """One case on one rank: gradients of the last step, parameters, the log, and what was left out."""

    gradients: dict[str, Tensor]
    state: dict[str, Tensor]
    log: list[dict[str, Any]]
    skipped: set[str]
    files: set[str]


def on_ranks(size: int, folder: Path) -> list[dict[str, Trained]]:
    """Train all cases with `size` processes, and return what each of them ended with."""
    processes.spawn(_process, (size, folder), nprocs=size)
    return [pickle.loads((folder / f"trained-{rank}").read_bytes()) for rank in range(size)]


def train(folder: Path, case: str, *overrides: str) -> Trained:
    """Train one case in this process, together with its ranks."""
    bench = Bench(load_plugins().registry, folder)
    dataset = "tiny-broken" if case.endswith("broken") else "tiny"
    settings = (f"training.steps={STEPS}", "training.clip_norm=0", *CASES[case], *overrides)
    trainer = bench.trainer(case.split()[0], *settings, dataset=dataset, folder=folder / case)
    interrupted = case.endswith("interrupted")
    if interrupted:
        with pytest.raises(Interrupted, match=f"after step 1 of {STEPS}"):
            replace(trainer, on_step=end_the_last_rank).run()
    progress = trainer.run(resume=interrupted)
    named = trainer.method.named_parameters()
    gradients = {name: p.grad.clone() for name, p in named if p.grad is not None}
    state = {name: value.clone() for name, value in trained_state(trainer.method).items()}
    lines = log(trainer.folder) if ranks().main else []
    files = {path.name for path in trainer.folder.iterdir()}
    return Trained(gradients, state, lines, set(progress.skipped), files)


def end_the_last_rank(step: StepReport) -> None:
    """Send the last rank a signal."""
    if ranks().rank == ranks().size - 1:
        os.kill(os.getpid(), signal.SIGTERM)


def without_noise(noise: RowNoise, logits: Tensor) -> Tensor:
    """Draw the middle, whatever the row."""
    del noise
    return torch.full_like(logits, 0.5)


def _process(rank: int, size: int, folder: Path) -> None:
    torch.set_num_threads(1)
    os.environ |= {"OMP_NUM_THREADS": "1", "RANK": str(rank), "WORLD_SIZE": str(size)}
    os.environ |= {"LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(size)}
    dist.init_process_group("gloo", f"file://{folder / 'meeting'}", rank=rank, world_size=size)
    trained = {}
    for case in CASES:
        if case == "souple local":
            RowNoise.__call__ = without_noise  # type: ignore[method-assign]
        trained[case] = train(folder, case)
        if case == "souple local":
            RowNoise.__call__ = DRAW  # type: ignore[method-assign]
    (folder / f"trained-{rank}").write_bytes(pickle.dumps(trained))
    dist.destroy_process_group()


DRAW = RowNoise.__call__
