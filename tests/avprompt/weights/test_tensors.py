from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from avprompt.errors import WeightsError
from avprompt.weights.tensors import fill, read_metadata, read_tensors, read_torch_file


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_prefix_selects_and_is_cut_off(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    state = {"a.weight": torch.ones(2), "b.weight": torch.zeros(2)}
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    assert read_tensors(path).keys() == state.keys()
    (found,) = read_tensors(path, "a.").items()
    assert found[0] == "weight"
    assert torch.equal(found[1], torch.ones(2))


def test_metadata(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"a": torch.ones(1)}, path, metadata={"key": "value"})
    assert read_metadata(path) == {"key": "value"}


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_damaged_and_absent_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        read_tensors(path)
    path.write_bytes(b"12345678 is not a header")
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        read_tensors(path)


def test_a_file_that_holds_no_table(tmp_path: Path) -> None:
    path = tmp_path / "list.pt"
    torch.save([torch.ones(1)], path)
    with pytest.raises(WeightsError, match="it holds no table of tensors"):
        read_tensors(path)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "objects.pt"
    torch.save({"path": tmp_path}, path)
    with pytest.raises(WeightsError, match=r"objects\.pt' cannot be read as weights: it holds '[\w.]*Path'"):
        read_torch_file(path)


@pytest.mark.parametrize("command", [print, os.system])
def test_code_is_refused_in_our_words(
    tmp_path: Path, command: Callable[[str], object], capfd: pytest.CaptureFixture[str]
) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return command, ("echo run!",)

    torch.save({"weight": Malicious()}, tmp_path / "malicious.pt")
    message = rf"malicious\.pt' .*: it holds '[\w.]*{command.__name__}', which could run code.*\.safetensors"
    with pytest.raises(WeightsError, match=message) as error:
        read_torch_file(tmp_path / "malicious.pt")
    assert "weights_only" not in str(error.value)
    assert "run!" not in capfd.readouterr().out


def test_the_format_before_zip_files(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    torch.save({"a": torch.ones(1)}, path, _use_new_zipfile_serialization=False)
    assert torch.equal(read_torch_file(path)["a"], torch.ones(1))


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(WeightsError, match=r"'there' does not fit this architecture\. .*bias"):
        fill(nn.Linear(2, 2), {"weight": torch.zeros(2, 2)}, "there")
