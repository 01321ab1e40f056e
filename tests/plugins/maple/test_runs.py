"""MaPLe as a whole method: what a run of it shares with runs of others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avprompt.errors import ConfigError
from avprompt.features.encoding import open_encoding
from avprompt.model.method import Method
from avprompt.training.state import StepReport
from tinyworld.bench import Bench
from tinyworld.benchmark import Tiny
from tinyworld.training import same, trained

SHALLOW = "prompt.depth=3"  # as deep as the tiny towers are


def test_a_resumed_run_ends_as_one_that_was_not_interrupted(bench: Bench, tmp_path: Path) -> None:
    whole = trained(bench.trainer("maple", SHALLOW, folder=tmp_path / "whole"))

    def interrupt(step: StepReport) -> None:
        if step.step == 2:
            raise KeyboardInterrupt

    halves = bench.trainer("maple", SHALLOW, folder=tmp_path / "halves")
    with pytest.raises(KeyboardInterrupt):
        replace(halves, on_step=interrupt).run()
    assert same(trained(bench.trainer("maple", SHALLOW, folder=tmp_path / "halves"), resume=True), whole)


def test_kept_sounds_change_little_and_images_are_not_kept(bench: Bench, tmp_path: Path) -> None:
    trainer = bench.trainer("maple", SHALLOW)
    plain = trained(bench.trainer("maple", SHALLOW, folder=tmp_path / "plain"))
    encoding = open_encoding(trainer.method, "audio", folder=tmp_path / "features")
    kept = trained(replace(trainer, encoding=encoding))
    assert kept.keys() == plain.keys()
    for name, value in kept.items():
        torch.testing.assert_close(value, plain[name], atol=1e-3, rtol=1e-2)
    for cache in ("images", "all"):
        with pytest.raises(ConfigError, match=rf"--cache {cache} would keep .* MaPLePrompt .*--cache audio"):
            open_encoding(trainer.method, cache)


def test_text_prompt_ceiling_is_that_of_the_encoders_without_its_tokens(bench: Bench) -> None:
    trainer = bench.trainer("maple", SHALLOW, "prompt.learning_rate_scale=100")
    before = by_name(bench, bench.method("maple", SHALLOW))
    trainer.run()
    assert max(tokens.detach().abs().max() for tokens in trainer.method.prompt.visual()) > 1
    np.testing.assert_array_equal(by_name(bench, trainer.method), before)
    np.testing.assert_array_equal(by_name(bench, bench.method("souple")), before)


def by_name(bench: Bench, method: Method) -> np.ndarray:
    """Return how well the encoders localise the objects of the test split by name, each an IoU."""
    measured = bench.evaluator(method).measure(Tiny().split("test"), altered=False)
    iou: np.ndarray = measured.values["text-prompt", "val-threshold"]["iou"]
    return iou
