"""Two processes with half of every batch each train as one process with all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from avprompt.training.objective import RowNoise
from tinyworld.ranked_training import CASES, Trained, on_ranks, train, without_noise

Pair = list[dict[str, Trained]]
GLOBAL = [case for case in CASES if case != "souple local"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return on_ranks(2, tmp_path_factory.mktemp("pair"))


def assert_equal(one: Trained, other: Trained) -> None:
    """Compare losses and gradients; what is next to nothing beside the longest gradient counts as nothing."""
    assert one.gradients.keys() == other.gradients.keys()
    longest = max(float(gradient.norm()) for gradient in one.gradients.values())
    for name, gradient in one.gradients.items():
        torch.testing.assert_close(other.gradients[name], gradient, rtol=1e-3, atol=1e-5 * longest, msg=name)


def assert_same_log(one: Trained, other: Trained) -> None:
    assert [line["step"] for line in one.log] == [line["step"] for line in other.log]
    for mine, theirs in zip(one.log, other.log, strict=True):
        assert theirs["losses"] == pytest.approx(mine["losses"], rel=1e-4, abs=1e-6)
        assert theirs["gradient_norm"] == pytest.approx(mine["gradient_norm"], rel=1e-3)


@pytest.mark.parametrize("case", GLOBAL)
def test_global_negatives_give_the_loss_and_gradients_of_one_process(
    pair: Pair, tmp_path: Path, case: str
) -> None:
    alone = train(tmp_path, case)
    assert alone.log
    for rank in pair:
        assert_equal(alone, rank[case])
        assert rank[case].skipped == alone.skipped
    assert_same_log(alone, pair[0][case])


def test_local_negatives_are_the_average_over_halves(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RowNoise, "__call__", without_noise)
    halves = train(tmp_path, "souple", "training.batch_size=2", "training.accumulate=2")
    for rank in pair:
        assert_equal(halves, rank["souple local"])
    assert_same_log(halves, pair[0]["souple local"])


@pytest.mark.parametrize("case", CASES)
def test_ranks_end_with_the_same_parameters(pair: Pair, case: str) -> None:
    one, other = (rank[case].state for rank in pair)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("case", CASES)
def test_only_one_rank_writes(pair: Pair, case: str) -> None:
    assert not pair[1][case].log
    assert pair[0][case].files == {"train.jsonl", "resume.pt"}
