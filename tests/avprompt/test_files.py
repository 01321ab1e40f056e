"""Files are whole or not there, and what a killed process left goes."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from avprompt.errors import ConfigError, DataError
from avprompt.files import check_unlocked, file_errors, locked, read_arrays, read_text, replacing, sweep


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


def test_text_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"name: \xe4")
    with pytest.raises(DataError, match=r"a\.yaml' is not text in UTF-8 \(byte 6 fits nothing\): save it so"):
        read_text(tmp_path / "a.yaml")


class TestArrays:
    SHAPES: Final = {"id": ("N",), "image": ("N", "H", 3)}

    def test_are_read(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", id=np.arange(2), image=np.zeros((2, 5, 3)), more=np.zeros(1))
        assert read_arrays(tmp_path / "a.npz", self.SHAPES).keys() == {"id", "image"}

    @pytest.mark.parametrize("content", [b"", b"PK", b"junk", b"\x93NUMPY"])
    def test_that_are_none_are_named(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"a.npz' cannot be read: (?!.*pickle)\w"):
            read_arrays(tmp_path / "a.npz", self.SHAPES)

    @pytest.mark.parametrize("image", [np.zeros((3, 5, 3)), np.zeros((2, 5, 4)), np.zeros(2), np.array({})])
    def test_of_other_shapes_are_named(self, tmp_path: Path, image: np.ndarray) -> None:
        np.savez(tmp_path / "a.npz", id=np.arange(2), image=image)
        with pytest.raises(
            DataError, match=r"a.npz' cannot be read: ('image' in it has the|it must be an npz of numbers)"
        ):
            read_arrays(tmp_path / "a.npz", self.SHAPES)

    def test_that_are_absent_are_named(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", id=np.arange(2))
        with pytest.raises(DataError, match="image"):
            read_arrays(tmp_path / "a.npz", self.SHAPES)


class TestErrors:
    """What the system says of files comes in words for people, with the name that people know."""

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("file/below/x", r"'.*/file/below': not a directory. A part of this path is a file"),
            ("file/x", r"'.*/file': file exists. A part of this path is a file"),
            ("n" * 300, r"'.*/n{300}': file name too long. Choose a shorter name"),
            ("folder", r"'.*/folder': is a directory. A file is needed here"),
        ],
    )
    def test_of_paths(self, tmp_path: Path, path: str, message: str) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        with pytest.raises(DataError, match=message), file_errors(), replacing(tmp_path / path) as temporary:
            temporary.touch()
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]

    def test_of_a_full_disk_name_the_file_and_keep_the_old_one(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("old")
        with pytest.raises(DataError, match=r"/x': no space left on device. Make room.*--resume. Saved"):
            self.write_to_a_full_disk(tmp_path / "x")
        assert [entry.read_text() for entry in tmp_path.iterdir()] == ["old"]

    @file_errors()
    def write_to_a_full_disk(self, path: Path) -> None:
        with replacing(path):
            error = OSError(errno.ENOSPC, "No space left on device")
            error.add_note("Saved before.")
            raise error

    def test_of_another_file_that_is_read_meanwhile_name_that(self, tmp_path: Path) -> None:
        with (
            pytest.raises(DataError, match=r"^'gone': no such file"),
            file_errors(),
            replacing(tmp_path / "x"),
        ):
            Path("gone").read_text()

    def test_of_a_reader_that_has_gone_stay(self) -> None:
        with pytest.raises(BrokenPipeError), file_errors():
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")


class TestLocked:
    @pytest.fixture
    def lock(self, tmp_path: Path) -> Path:
        return tmp_path / "folder" / ".lock"

    def test_leaves_nothing(self, lock: Path) -> None:
        with locked(lock):
            assert lock.exists()
        assert not lock.parent.exists()
        with locked(lock):
            (lock.parent / "file").touch()
        assert [path.name for path in lock.parent.iterdir()] == ["file"]
        check_unlocked(lock)

    def test_holds_in_one_process_too(self, lock: Path) -> None:
        with locked(lock):
            with pytest.raises(ConfigError, match=f"Another process writes to .*: process {os.getpid()} on"):
                check_unlocked(lock)
            with pytest.raises(ConfigError, match="Another process writes to"), locked(lock):
                pass
            assert lock.exists(), "who is refused takes no lock away"

    def test_keeps_others_out_and_dies_with_its_owner(self, lock: Path) -> None:
        code = (
            "import pathlib, sys\nfrom avprompt.files import locked\n"
            "with locked(pathlib.Path(sys.argv[1])):\n    print('locked', flush=True)\n    sys.stdin.read()\n"
        )
        owner = subprocess.Popen(
            [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with owner:
            assert owner.stdout is not None
            assert owner.stdout.readline() == b"locked\n"
            for refused in (lambda: check_unlocked(lock), lambda: locked(lock).__enter__()):
                with pytest.raises(
                    ConfigError, match=f"process {owner.pid} on .*Wait for its end, or choose"
                ):
                    refused()
            owner.kill()
        assert lock.exists(), "a killed process leaves the file"
        with locked(lock):
            assert str(os.getpid()) in lock.read_text()
        assert not lock.exists()
