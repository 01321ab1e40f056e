"""Trained parts on disk: whole or not at all, and only for the method that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from avprompt.config.method_config import resolve
from avprompt.errors import WeightsError
from avprompt.model.build import build
from avprompt.model.method import Method
from avprompt.registry import Registry
from avprompt.weights import tensors
from avprompt.weights.checkpoint import (
    checkpoint_formats,
    checkpoint_metadata,
    load_checkpoint,
    load_state,
    load_training_state,
    save_checkpoint,
    save_training_state,
    trained_state,
)
from avprompt.weights.files import measured_sha256

Make = Callable[..., Method]


@pytest.fixture
def make(registry: Registry) -> Make:
    def make(method: str, *overrides: str) -> Method:
        return build(resolve(registry, method, "tiny", overrides), registry)

    return make


def state(method: Method) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in method.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_there_and_back_bit_for_bit(make: Make, tmp_path: Path) -> None:
    first, second = make("souple"), make("souple")
    assert not same(state(first), state(second))
    save_checkpoint(first, tmp_path / "c.safetensors", {"method": "souple", "encoders": "tiny"})
    metadata = load_checkpoint(second, tmp_path / "c.safetensors")
    assert same(state(first), state(second))
    assert metadata == checkpoint_metadata(tmp_path / "c.safetensors")
    assert metadata == {"method": "souple", "encoders": "tiny"}


@pytest.mark.parametrize(
    ("method", "parts"),
    [("souple", {"projection", "prompt", "decoder", "masker"}), ("acl-ssl", {"projection", "masker"})],
)
def test_holds_the_trained_parts_only(make: Make, tmp_path: Path, method: str, parts: set[str]) -> None:
    made = make(method)
    save_checkpoint(made, tmp_path / "c.safetensors", {})
    saved = load_file(tmp_path / "c.safetensors")
    assert {name.partition(".")[0] for name in saved} == parts
    assert sum(value.numel() for value in saved.values()) == made.trainable_parameters()


def test_equal_parts_make_equal_files(make: Make, tmp_path: Path) -> None:
    mine, path = make("souple"), tmp_path / "c.safetensors"
    words = {"method": "souple", "encoders": "tiny", "avprompt": "1", "words": 'ä\n"\x01', "a": "", "b": ""}
    digests = {save_checkpoint(mine, path, words) for _ in range(5)}
    digests |= {save_checkpoint(mine, path, dict(reversed(words.items())))}
    assert digests == {measured_sha256(path)}
    assert same(load_file(path), trained_state(mine))
    assert checkpoint_metadata(path) == words
    assert save_checkpoint(mine, path, words | {"a": "b"}) not in digests


WRONG = {
    "another method": ("acl-ssl", [], r"belongs to acl-ssl or to other options. No fit: .* and \d+ more"),
    "another option": ("souple", ["prompt.context_tokens=8"], r"\(64,\) instead of \(32,\)"),
    "another frozen part": ("souple", ["decoder.trained=false"], r"No fit: decoder\."),
}


@pytest.mark.parametrize(("method", "overrides", "message"), WRONG.values(), ids=WRONG)
def test_what_belongs_to_another_method_changes_nothing(
    make: Make, tmp_path: Path, method: str, overrides: list[str], message: str
) -> None:
    save_checkpoint(make(method, *overrides), tmp_path / "c.safetensors", {"method": method})
    mine = make("souple")
    before = state(mine)
    with pytest.raises(WeightsError, match=message):
        load_checkpoint(mine, tmp_path / "c.safetensors")
    assert same(state(mine), before)


def test_a_checkpoint_that_is_not_there_or_damaged(make: Make, tmp_path: Path) -> None:
    mine = make("souple")
    with pytest.raises(WeightsError, match=r"There is no checkpoint '.*gone.safetensors'"):
        load_checkpoint(mine, tmp_path / "gone.safetensors")
    whole = tmp_path / "whole.safetensors"
    save_checkpoint(mine, whole, {})
    for name, content in (("half", whole.read_bytes()[:2000]), ("words", b"hello"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(
            WeightsError, match=rf"{name}' cannot be read as a checkpoint of avprompt \(safetensors\)"
        ):
            load_checkpoint(mine, tmp_path / name)
    with pytest.raises(WeightsError, match=r"cannot be read as a checkpoint|There is no checkpoint"):
        load_checkpoint(mine, tmp_path)


def test_other_formats_are_read_by_their_ending(make: Make, tmp_path: Path, registry: Registry) -> None:
    formats = checkpoint_formats(registry)
    first, second = make("acl-ssl"), make("acl-ssl")
    formats["acl-ssl"].write(trained_state(first), tmp_path / "theirs.pth")
    assert load_checkpoint(second, tmp_path / "theirs.pth", formats) == {"method": "acl-ssl"}
    assert same(trained_state(first), trained_state(second))
    with pytest.raises(WeightsError, match=r"belongs to acl-ssl or to other options"):
        load_checkpoint(make("souple"), tmp_path / "theirs.pth", formats)


def test_a_state_with_too_little_or_too_much(make: Make) -> None:
    mine = make("acl-ssl")
    whole = trained_state(mine)
    for broken in (
        {k: v for k, v in whole.items() if k != "masker.w"},
        whole | {"masker.x": whole["masker.w"]},
    ):
        with pytest.raises(WeightsError, match=r"The thing belongs to another method.*No fit: masker"):
            load_state(mine, broken, "The thing")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_state_with_a_number_that_is_none(make: Make, tmp_path: Path, number: float) -> None:
    spoilt, mine, path = make("souple"), make("souple"), tmp_path / "c.safetensors"
    name, parameter = next(iter(spoilt.projection.named_parameters()))
    with torch.no_grad():
        parameter.view(-1)[-1] = number
    save_checkpoint(spoilt, path, {"method": "souple"})
    before = state(mine)
    with pytest.raises(
        WeightsError, match=rf"'.*c\.safetensors' holds NaN or infinity in projection\.{name},"
    ):
        load_checkpoint(mine, path)
    assert same(state(mine), before)


class TestReplacing:
    def test_a_failing_write_leaves_the_old_file_and_nothing_else(
        self, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "c.safetensors"
        mine = make("souple")
        save_checkpoint(mine, path, {"version": "old"})

        def failing(state: object, file: Path, metadata: object) -> None:
            file.write_bytes(b"half")
            raise OSError("disk full")

        monkeypatch.setattr(tensors, "save_file", failing)
        with pytest.raises(OSError, match=r"disk full"):
            save_checkpoint(mine, path, {"version": "new"})
        assert checkpoint_metadata(path) == {"version": "old"}
        assert list(tmp_path.iterdir()) == [path]


class TestTrainingState:
    def test_there_and_back(self, tmp_path: Path) -> None:
        save_training_state(tmp_path / "r.pt", {"step": 3, "parts": {"w": torch.ones(2)}})
        state = load_training_state(tmp_path / "r.pt")
        assert state["step"] == 3
        assert torch.equal(state["parts"]["w"], torch.ones(2))

    def test_missing_or_damaged(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsError, match=r"There is nothing to resume: '.*r.pt' does not exist"):
            load_training_state(tmp_path / "r.pt")
        (tmp_path / "r.pt").write_bytes(b"hello")
        with pytest.raises(
            WeightsError, match=r"r.pt' cannot be read as the state of a training run: it is damaged"
        ):
            load_training_state(tmp_path / "r.pt")

    def test_runs_nothing(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        class Command:
            def __reduce__(self) -> tuple[object, tuple[str]]:
                return print, ("run!",)

        torch.save({"step": Command()}, tmp_path / "r.pt")
        with pytest.raises(WeightsError, match=r"state of a training run: it holds '[\w.]*print'"):
            load_training_state(tmp_path / "r.pt")
        assert "run!" not in capsys.readouterr().out
