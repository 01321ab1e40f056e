"""The check of a checkpoint format catches one that loses parts or takes any file; ours passes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from avprompt.testing import check_checkpoint_format
from avprompt.weights.checkpoint import CheckpointFormat
from avprompt_acl.checkpoint import AclCheckpoint

STATE = {"projection.weight": torch.ones(2, 3), "masker.w": torch.zeros(1)}


class Plain(CheckpointFormat):
    method, endings = "plain", (".st",)

    def read(self, path: Path) -> dict[str, Tensor]:
        return load_file(path)

    def write(self, state: Mapping[str, Tensor], path: Path) -> None:
        save_file(dict(state), path)


class Forgetful(Plain):
    def write(self, state: Mapping[str, Tensor], path: Path) -> None:
        save_file({"masker.w": state["masker.w"]}, path)


class Credulous(Plain):
    def read(self, path: Path) -> dict[str, Tensor]:
        return STATE


class Elsewhere(Plain):
    def write(self, state: Mapping[str, Tensor], path: Path) -> None:
        save_file(dict(state), path.with_suffix(".other"))


def test_ours(tmp_path: Path) -> None:
    check_checkpoint_format(AclCheckpoint(), tmp_path / "theirs.pth", STATE)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Forgetful, "one side only has projection.weight"),
        (Credulous, "read must raise WeightsError"),
        (Elsewhere, "write must write the file 'theirs.st'"),
    ],
)
def test_a_broken_promise_is_named(other: type[CheckpointFormat], message: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=message):
        check_checkpoint_format(other(), tmp_path / "theirs", STATE)
