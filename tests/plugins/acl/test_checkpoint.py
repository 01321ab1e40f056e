"""ACL-SSL's checkpoint format, read and written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from avprompt.errors import WeightsError
from avprompt_acl.checkpoint import AclCheckpoint


@pytest.fixture
def published(golden_folder: Path) -> Path:
    return golden_folder / "acl_param_tiny.pth"


def test_there_and_back_bit_for_bit(published: Path, tmp_path: Path) -> None:
    ours = AclCheckpoint().read(published)
    assert "masker.w" in ours
    assert "projection.fga.un_models.0.embed.weight" in ours
    AclCheckpoint().write(ours, tmp_path / "back.pth")
    official = torch.load(published, weights_only=True)
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    assert {part: list(state) for part, state in back.items()} == {
        part: list(state) for part, state in official.items()
    }
    for part, state in official.items():
        for name, value in state.items():
            assert torch.equal(back[part][name], value), name


class Command:
    """A pickle that would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run!",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"audio_proj": {}}, r"not a checkpoint of ACL-SSL: it must hold audio_proj and masker_i"),
        ([1, 2], r"not a checkpoint of ACL-SSL"),
        ({"audio_proj": [1], "masker_i": None}, r"not a checkpoint of ACL-SSL"),
        ({"audio_proj": {"fc1.weight": 1}, "masker_i": {}}, r"not a checkpoint of ACL-SSL"),
        (Command(), r"cannot be read as weights"),
    ],
)
def test_a_file_of_something_else(
    tmp_path: Path, content: object, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=message):
        AclCheckpoint().read(tmp_path / "other.pth")
    assert "run!" not in capsys.readouterr().out


def test_a_file_cut_off(published: Path, tmp_path: Path) -> None:
    (tmp_path / "half.pth").write_bytes(published.read_bytes()[:3000])
    with pytest.raises(WeightsError, match=r"half.pth' cannot be read as weights"):
        AclCheckpoint().read(tmp_path / "half.pth")
