"""A method with the runs that it will have: what is wrong with them is told before the first is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from avprompt.config.method_config import MethodConfig
from avprompt.config.options import validate
from avprompt.config.tables import parse
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.features.encoding import check_cache
from avprompt.metrics.protocol import Protocol
from avprompt.model.build import build
from avprompt.plugin.discovery import Loaded
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.recipe import recipe_of
from avprompt.runs.results import RunResult
from avprompt.runs.session import config_text, resolve_method, shown_encoders
from avprompt.runs.settings import Settings


def planned(
    loaded: Loaded, method: str, settings: Settings, seeds: Sequence[int], encoders: str | None
) -> ComparedMethod:
    """Return a method with its runs as they will be, without scores; no data and no weights are read.

    Args:
        loaded: plugins.
        method: a registered method, or a YAML file.
        settings: the user's choices.
        seeds: one run for each.
        encoders: encoder set; None takes that of the dataset.

    Raises:
        ConfigError: something does not fit together in the method and its settings.
    """
    adapter: type[BenchmarkAdapter] = loaded.registry.load("datasets", settings.dataset)
    encoders = encoders or adapter.encoders
    config = resolve_method(loaded, method, settings, encoders, trained=False)
    protocols = settings.evaluation.protocols or adapter.protocols
    protocol: type[Protocol] = loaded.registry.load("protocols", protocols[0])
    result = RunResult(
        method=config.name,
        dataset=settings.dataset,
        encoders=shown_encoders(loaded.registry, encoders, config),
        seed=settings.seed,
        trainable_parameters=_trainable_parameters(loaded, config, settings),
        versions={},
        samples={},
        scores={},
        floors={},
        ceilings={},
        audio_reliance={},
        headline=(protocol.name, protocol.headline),
    )
    results = tuple(result.model_copy(update={"seed": seed}) for seed in seeds)
    tables = parse(config_text(config, settings), "config")
    recipe = recipe_of(tables, validate(Settings, tables["run"], "run"), result)
    return ComparedMethod(name_of(method, result), (Path(method),) * len(results), results, planned=recipe)


def name_of(target: str, result: RunResult) -> str:
    """Return what a method is called in a comparison: by itself, a YAML file by the file."""
    return Path(target).stem if Path(target).suffix else result.method


def _trainable_parameters(loaded: Loaded, config: MethodConfig, settings: Settings) -> int:
    """Return how many numbers a method trains, all its parts checked."""
    with torch.device("meta"):  # the architecture, without memory
        architecture = build(config, loaded.registry, weights=False)
        check_cache(architecture, settings.compute.cache)
    return architecture.trainable_parameters()
