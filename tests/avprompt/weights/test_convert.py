"""Checkpoints of others made ours and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from avprompt.errors import UnknownNameError, WeightsError
from avprompt.registry import Registry
from avprompt.weights.checkpoint import CheckpointFormat
from avprompt.weights.convert import convert_checkpoint

GOLDEN = Path(__file__).resolve().parents[2] / "data" / "golden" / "acl_param_tiny.pth"


def same_bits(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and torch.equal(one[name], other[name]) for name in one
    )


def test_published_checkpoints_become_ours_and_back_bit_for_bit(registry: Registry, tmp_path: Path) -> None:
    tensors = convert_checkpoint(registry, GOLDEN, tmp_path / "ours.safetensors")
    ours = load_file(tmp_path / "ours.safetensors")
    assert tensors == len(ours)
    assert {name.partition(".")[0] for name in ours} == {"projection", "masker"}
    with safe_open(tmp_path / "ours.safetensors", "pt") as file:
        assert file.metadata()["method"] == "acl-ssl"
    convert_checkpoint(registry, tmp_path / "ours.safetensors", tmp_path / "theirs.pth")
    before, after = (torch.load(path, weights_only=True) for path in (GOLDEN, tmp_path / "theirs.pth"))
    assert before.keys() == after.keys()
    assert all(same_bits(before[part], after[part]) for part in before)
    convert_checkpoint(registry, tmp_path / "theirs.pth", tmp_path / "again.safetensors")
    assert same_bits(load_file(tmp_path / "again.safetensors"), ours)


def test_parts_that_their_format_does_not_have_are_not_dropped(registry: Registry, tmp_path: Path) -> None:
    save_file({"prompt.context": torch.zeros(2), "masker.w": torch.ones(1)}, tmp_path / "souple.safetensors")
    with pytest.raises(WeightsError, match=r"ACL-SSL's format has no place for prompt\.context"):
        convert_checkpoint(registry, tmp_path / "souple.safetensors", tmp_path / "theirs.pth")
    assert not (tmp_path / "theirs.pth").exists()


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("a.safetensors", "b.safetensors", "in our format: there is nothing to convert"),
        ("gone.pth", "b.safetensors", r"There is no checkpoint '.*gone\.pth'"),
        ("a.safetensors", "b.ckpt", r"ending of '.*b\.ckpt' .*known are \.pth/\.pt \(acl-ssl\).*--format"),
    ],
)
def test_what_cannot_be_converted(
    registry: Registry, tmp_path: Path, source: str, target: str, message: str
) -> None:
    save_file({"masker.w": torch.ones(1)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=message):
        convert_checkpoint(registry, tmp_path / source, tmp_path / target)


class Text(CheckpointFormat):
    """One number a line."""

    method, endings = "deaf", (".pth",)

    def read(self, path: Path) -> dict[str, Tensor]:
        return {"masker.w": torch.tensor(float(path.read_text()))}

    def write(self, state: dict[str, Tensor], path: Path) -> None:  # type: ignore[override]
        path.write_text(str(float(state["masker.w"])))


def test_formats_with_one_ending_must_be_named(tmp_path: Path) -> None:
    registry = Registry()
    registry.add("checkpoint_formats", "text", Text, "them")
    registry.add("checkpoint_formats", "other", Text, "them")
    (tmp_path / "a.pth").write_text("2.5")
    with pytest.raises(WeightsError, match=r"several formats have it: other, text\)\. Name it with --format"):
        convert_checkpoint(registry, tmp_path / "a.pth", tmp_path / "b.safetensors")
    convert_checkpoint(registry, tmp_path / "a.pth", tmp_path / "b.safetensors", "text")
    assert load_file(tmp_path / "b.safetensors")["masker.w"] == 2.5
    with pytest.raises(UnknownNameError, match="no checkpoint format 'tex'"):
        convert_checkpoint(registry, tmp_path / "a.pth", tmp_path / "b.safetensors", "tex")
