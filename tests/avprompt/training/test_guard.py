"""The guard names the clips of a batch without finite numbers, and a resumed run passes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from avprompt.distributed import ALONE
from avprompt.records import ImageFeatures
from avprompt.training.guard import NotFiniteError, check_finite
from avprompt.training.objective import EncodedBatch, RowNoise
from tinyworld.bench import Bench
from tinyworld.training import log


@pytest.fixture
def batch() -> EncodedBatch:
    image = ImageFeatures(torch.ones(3, 4), (torch.ones(3, 5, 4),), torch.ones(3, 4, 2, 2))
    pixels, frames = torch.ones(3, 3, 8, 8), torch.ones(3, 6, 4)
    return EncodedBatch(("a", "b", "c"), pixels, image, frames, RowNoise(0, 0), ALONE.rows(3))


class TestClips:
    def test_of_the_batch_are_named_and_kept(self, batch: EncodedBatch, tmp_path: Path) -> None:
        check_finite([{"total": 1.0}], batch, 7, ALONE, tmp_path)
        with pytest.raises(NotFiniteError) as e:
            check_finite([{"total": 1.0}, {"total": torch.nan}], batch, 7, ALONE, tmp_path)
        assert "at step 7: a loss or gradient is not a number (total nan)" in str(e.value)
        assert f"the clips 'a', 'b', 'c'; it is in '{tmp_path / 'not-a-number.safetensors'}'" in str(e.value)
        assert "The same command with --resume goes on without this batch" in str(e.value)
        with safe_open(tmp_path / "not-a-number.safetensors", "pt") as file:
            assert json.loads(file.metadata()["ids"]) == ["a", "b", "c"]

    def test_without_features_come_first(self, batch: EncodedBatch, tmp_path: Path) -> None:
        batch.frames[1, 2, 0] = torch.inf
        with pytest.raises(NotFiniteError, match="Look at 'b' first"):
            check_finite([{"total": torch.nan}], batch, 0, ALONE, tmp_path)

    def test_are_named_where_they_cannot_be_kept(self, batch: EncodedBatch, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(NotFiniteError, match="clips 'a', 'b', 'c'; it could not be kept in"):
            check_finite([{"total": torch.nan}], batch, 0, ALONE, tmp_path / "file")


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("part", ["audio_encoder", "projection", "decoder", "losses.area"])
def test_a_resumed_run_passes_the_batch(bench: Bench, tmp_path: Path, part: str, step: int) -> None:
    """Of the very first step too, before anything has been saved."""
    calls = []

    def spoil(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        calls.append(module)
        return output * torch.nan if len(calls) == step + 1 else output

    trainer = bench.trainer()
    trainer.method.parts()[part].register_forward_hook(spoil)
    with pytest.raises(NotFiniteError, match=f"stopped at step {step}: a loss or gradient") as e:
        trainer.run()
    with safe_open(tmp_path / "not-a-number.safetensors", "pt") as file:
        assert all(f"'{clip}'" in str(e.value) for clip in json.loads(file.metadata()["ids"]))
    assert ("which the encoders make no numbers of" in str(e.value)) is (part == "audio_encoder")
    bench.trainer().run(resume=True)
    reasons = [line["left_out"] for line in log(tmp_path)]
    assert reasons == ["a loss or gradient is not a number" if number == step else "" for number in range(6)]
