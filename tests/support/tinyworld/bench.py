"""Methods and trainers of the tiny world, ready to be tried."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from avprompt.config.method_config import resolve
from avprompt.data.inputs import InputSpec
from avprompt.distributed import make_accelerator
from avprompt.evaluation.evaluator import Evaluator
from avprompt.features.encoding import Encoding
from avprompt.metrics.val_threshold import ValThreshold
from avprompt.model.build import build
from avprompt.model.method import Method
from avprompt.registry import Registry
from avprompt.training.build import build_callbacks, build_optimizer, build_schedule
from avprompt.training.trainer import Trainer
from avprompt_benchmarks.protocols.localisation import AclSweep, EzvslMedian
from tinyworld.encoders import TinyClip
from tinyworld.scenes import RATE, SECONDS, SIDE

SPEC = InputSpec(TinyClip.image_size, TinyClip.mean, TinyClip.std, RATE, SECONDS)
PROTOCOLS = (ValThreshold(), AclSweep(), EzvslMedian())


@dataclass
class Bench:
    """Builds methods, and trainers that work in a folder."""

    registry: Registry
    folder: Path

    def method(self, name: str, *overrides: str, seed: int = 0) -> Method:
        torch.manual_seed(seed)
        return build(resolve(self.registry, name, "tiny", overrides), self.registry)

    def trainer(
        self, name: str = "souple", *overrides: str, dataset: str = "tiny", seed: int = 0, **options: Any
    ) -> Trainer:
        """Make a trainer of six steps of four clips; `options` are the trainer's own."""
        settings = ("training.steps=6", "training.batch_size=4", "training.warmup_steps=2", *overrides)
        method_config = resolve(self.registry, name, "tiny", settings)
        torch.manual_seed(seed)
        method = build(method_config, self.registry)
        samples = self.registry.load("datasets", dataset)().split("train").samples
        accelerator = make_accelerator("cpu", "no")
        given = {
            "folder": self.folder,
            "accelerator": accelerator,
            "encoding": Encoding(method),
            "schedule": build_schedule(self.registry, method_config.training),
            "optimizer": build_optimizer(self.registry, method_config.training),
            "callbacks": build_callbacks(self.registry, method_config.training),
            **options,
        }
        given["folder"].mkdir(parents=True, exist_ok=True)
        return Trainer(method, samples, SPEC, method_config.training, seed, **given)

    def evaluator(self, method: Method, **options: Any) -> Evaluator:
        """Make an evaluator that names objects by text, with batches of four; `options` are its own."""
        given = {"protocols": PROTOCOLS, "size": SIDE, "batch_size": 4} | options
        return Evaluator(Encoding(method), SPEC, text_decoder=self.method("oracle").decoder, **given)
