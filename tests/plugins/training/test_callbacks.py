"""The shipped callbacks, on scores and parts that are worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from avprompt.plugin import Callback, TrainerState
from avprompt_training.callbacks import (
    Average,
    AverageOptions,
    BestCheckpoint,
    EarlyStopping,
    EarlyStoppingOptions,
)


class Layer(nn.Module):
    """A method with one trained number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.layer = nn.Linear(1, 1, bias=False)
        self.set(value)

    def set(self, value: float) -> None:
        nn.init.constant_(self.layer.weight, value)

    def trained_parts(self) -> dict[str, nn.Module]:
        return {"prompt": self.layer}


def at(step: int, method: Any, score: float = 0.0) -> TrainerState:
    return TrainerState(method, step, 99, Path(), scores={"mIoU": score}, headline="mIoU")


def stops(callback: Callback, scores: Sequence[float]) -> list[str | None]:
    """What a callback answers to validations after steps 10, 20, ..."""
    callback.on_train_start(at(0, Layer(0)))
    return [callback.on_validate(at(10 * n, Layer(0), score)) for n, score in enumerate(scores, start=1)]


class TestEarlyStopping:
    def test_waits_as_long_as_told(self) -> None:
        answers = stops(EarlyStopping(EarlyStoppingOptions(patience=2)), [50, 60, 60, 55])
        assert answers[:3] == [None, None, None]
        assert answers[3] == (
            "mIoU of the validation split has not risen for 2 validations; the best was 60.00 after step 20"
        )

    def test_waits_anew_after_a_better_score(self) -> None:
        answers = stops(EarlyStopping(EarlyStoppingOptions(patience=2)), [50, 40, 51, 50, 52, 51])
        assert answers == [None] * 6

    def test_takes_a_small_rise_for_none(self) -> None:
        answers = stops(EarlyStopping(EarlyStoppingOptions(patience=1, min_delta=1)), [50, 50.9])
        assert answers[1] is not None


class TestBestCheckpoint:
    def test_puts_the_best_parts_back(self) -> None:
        method, best = Layer(0), BestCheckpoint(BestCheckpoint.Config())
        best.on_train_start(at(0, method))
        for step, score in ((10, 50.0), (20, 70.0), (30, 70.0), (40, 60.0)):
            method.set(step)
            best.on_validate(at(step, method, score))
        note = best.on_end(at(40, method))
        assert float(method.layer.weight.detach()) == 20
        assert note is not None
        assert "after step 20 of 40, which scored best on the validation split (70.00)" in note


class TestAverage:
    def test_is_corrected_for_its_beginning_at_zero(self) -> None:
        """0.1 * 10 = 1 over 1 - 0.9 is 10; then 0.9 * 1 + 0.1 * 20 = 2.9 over 1 - 0.81 is 15.2632."""
        method, average = Layer(-5), Average(AverageOptions(decay=0.9))
        average.on_train_start(at(0, method))
        for step, expected in ((1, 10.0), (2, 15.2632)):
            method.set(10 * step)
            average.on_step(at(step, method))
            evaluated = average.evaluated(at(step, method))
            assert evaluated is not None
            assert float(evaluated["prompt.weight"]) == pytest.approx(expected, abs=1e-4)
        assert float(method.layer.weight.detach()) == pytest.approx(20)

    def test_is_none_before_the_first_step(self) -> None:
        average = Average(AverageOptions())
        average.on_train_start(at(0, Layer(3)))
        assert average.evaluated(at(0, Layer(3))) is None
