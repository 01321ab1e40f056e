"""Files are whole or not there, and what a killed process left goes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from avprompt.files import replacing, sweep


def test_makes_the_folder_and_a_file_that_others_may_read(tmp_path: Path) -> None:
    with replacing(tmp_path / "a" / "b" / "file") as temporary:
        temporary.write_text("x")
        assert not (tmp_path / "a" / "b" / "file").exists()
    assert (tmp_path / "a" / "b" / "file").read_text() == "x"
    assert (tmp_path / "a" / "b" / "file").stat().st_mode & 0o777 == 0o644


def write_half(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("ne")
        raise ValueError("half-way")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ValueError, match="half-way"):
        write_half(path)
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["old"]


def test_sweeping_takes_only_what_was_left_half_written(tmp_path: Path) -> None:
    for name in (".clip.jpg.x8_k2a1b", ".-0_.jpg.aaaaaaaa", "clip.jpg", ".hidden", ".clip.wav.x8_k2a1b"):
        (tmp_path / name).touch()
    sweep(tmp_path, ".jpg")
    assert {path.name for path in tmp_path.iterdir()} == {"clip.jpg", ".hidden", ".clip.wav.x8_k2a1b"}


def test_who_has_the_old_file_open_reads_it_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with path.open() as reader:
        with replacing(path) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_is_on_the_disk_before_the_old_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "file", []
    path.write_text("old")

    def fsync(handle: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.read_text()))

    monkeypatch.setattr(os, "fsync", fsync)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert synced == [(False, "old"), (True, "new")], "the file before it takes its place, the folder after"
