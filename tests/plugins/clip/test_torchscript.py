"""TorchScript archives give their tensors, and their code never runs."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from avprompt.errors import WeightsError
from avprompt_clip.torchscript import is_torchscript, read_torchscript

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit", "ignore:.*torch.jit")


class Net(nn.Module):
    """Holds tensors of several types, views, and what is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 3).half()
        self.norm = nn.Sequential(nn.BatchNorm1d(3))
        self.turned = nn.Parameter(torch.arange(6.0).view(2, 3).T)
        self.register_buffer("number", torch.tensor(5))
        self.register_buffer("empty", torch.zeros(0, 4))
        self.register_buffer("part", torch.arange(10)[3:7:2])
        self.sizes, self.name = [1, 2], "net"

    def forward(self, x: Tensor) -> Tensor:
        return self.turned @ x


class Writer(nn.Module):
    """Makes a file when it is read by torch."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.written = path, 0.0

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path, self.training = state
        # Kept in an attribute: torch leaves out what nobody looks at.
        self.written = float(torch.from_file(self.path, True, 4).sum())

    def forward(self, x: Tensor) -> Tensor:
        return x


def save(module: nn.Module, path: Path) -> Path:
    torch.jit.save(torch.jit.script(module), path)
    return path


def test_tensors_equal_those_of_torch(tmp_path: Path) -> None:
    path = save(Net(), tmp_path / "net.pt")
    ours, theirs = read_torchscript(path), torch.jit.load(path).state_dict()
    assert is_torchscript(path)
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype
        assert ours[name].stride() == tensor.stride()
        assert torch.equal(ours[name], tensor)


def test_names_and_shapes_alone(tmp_path: Path) -> None:
    path = save(Net(), tmp_path / "net.pt")
    shapes = {name: tensor.shape for name, tensor in read_torchscript(path, tensors=False).items()}
    assert shapes == {name: tensor.shape for name, tensor in read_torchscript(path).items()}


def test_its_code_does_not_run(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "written.bin"
    elsewhere.parent.mkdir()
    path = save(Writer(str(elsewhere)), tmp_path / "writer.pt")
    elsewhere.unlink(missing_ok=True)
    with pytest.raises(
        WeightsError, match=r"writer\.pt' .* read by code of its own\. Nothing in it was run\."
    ):
        read_torchscript(path)
    assert not elsewhere.exists()
    torch.jit.load(path)
    assert elsewhere.exists()  # so the archive is one that torch would run


def test_nor_does_its_pickle(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Command:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("echo run!",)

    path = tmp_path / "pickled.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/code/x.py", "")
        archive.writestr("a/data.pkl", pickle.dumps({"weight": Command()}))
    with pytest.raises(WeightsError, match=r"pickled\.pt' .* holds '\w+\.system', which could run code"):
        read_torchscript(path)
    assert "run!" not in capfd.readouterr().out


def test_damage_is_told(tmp_path: Path) -> None:
    path = save(Net(), tmp_path / "net.pt")
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "part.pt", "w") as part:
        for name in whole.namelist():
            if not name.endswith("/data/0"):
                part.writestr(name, whole.read(name))
    with pytest.raises(WeightsError, match=r"part\.pt' cannot be read as a TorchScript archive: .*data/0"):
        read_torchscript(tmp_path / "part.pt")


def test_other_files_are_none(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "plain.pt")
    (tmp_path / "text.pt").write_text("text")
    assert not any(is_torchscript(tmp_path / name) for name in ("plain.pt", "text.pt", "gone.pt"))
