"""Features on disk: whole or not there, within their bound, whoever writes and dies."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

from avprompt.features.store import DiskUsage, FeatureStore

HOUR = 3600
ROOMY = 10**9


def features(value: float, size: int = 1000) -> dict[str, Tensor]:
    return {"frames": torch.full((size,), value, dtype=torch.float16)}


def key(number: int) -> str:
    return f"audio/encoder/{number:04x}"


def entry_size(folder: Path) -> int:
    """How many bytes an entry of a thousand values takes."""
    probe = FeatureStore(folder / "probe", ROOMY)
    probe.put(key(0), features(0))
    return probe.usage()[0].size


def held(store: FeatureStore, numbers: range) -> list[int]:
    return [number for number in numbers if store.get(key(number)) is not None]


def age(folder: Path, hours: float) -> None:
    """Make everything in a folder look as if it had not been used for hours."""
    for path in folder.rglob("*"):
        then = path.stat().st_mtime - hours * HOUR
        os.utime(path, (then, then))


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features", ROOMY)


class TestEntries:
    def test_come_back_bit_for_bit(self, store: FeatureStore) -> None:
        tensors = {"a": torch.randn(3, 4).half(), "b": torch.randn(5), "c": torch.zeros(0, 2)}
        assert store.get(key(1)) is None
        assert store.put(key(1), tensors)
        back = store.get(key(1))
        assert back is not None
        assert all(torch.equal(back[name], tensors[name]) for name in tensors)
        assert {name: value.dtype for name, value in back.items()} == {
            name: value.dtype for name, value in tensors.items()
        }

    def test_views_of_a_larger_tensor_are_stored_alone(self, store: FeatureStore) -> None:
        store.put(key(1), {"frames": torch.randn(100, 50).half()[3]})
        assert store.usage()[0].size < 1000

    @pytest.mark.parametrize("kept", [0, 4, 50, 1000])
    def test_cut_off_are_a_miss_and_removed(self, store: FeatureStore, kept: int) -> None:
        store.put(key(1), features(1))
        (path,) = store.folder.rglob("*.safetensors")
        path.write_bytes(path.read_bytes()[:kept])
        assert store.get(key(1)) is None
        assert not path.exists()
        assert store.put(key(1), features(2))
        assert store.get(key(1)) is not None

    @pytest.mark.parametrize("place", [*range(0, 130, 3), -1, -500])
    def test_with_a_flipped_bit_are_a_miss(self, store: FeatureStore, place: int) -> None:
        store.put(key(1), features(1))
        (path,) = store.folder.rglob("*.safetensors")
        data = bytearray(path.read_bytes())
        data[place] ^= 4
        path.write_bytes(data)
        assert store.get(key(1)) is None

    def test_of_something_else_are_a_miss(self, store: FeatureStore) -> None:
        for content in (b"", b"{}", b"\x02" + bytes(7) + b"[]", b"\xff" * 50):
            store.put(key(1), features(1))
            (path,) = store.folder.rglob("*.safetensors")
            path.write_bytes(content)
            assert store.get(key(1)) is None


class TestBound:
    def test_is_respected_and_this_run_keeps_what_it_used(self, tmp_path: Path) -> None:
        store = FeatureStore(tmp_path / "features", 10 * entry_size(tmp_path))
        stored = [store.put(key(number), features(number)) for number in range(15)]
        assert stored == [True] * 10 + [False] * 5
        assert held(store, range(15)) == list(range(10))  # cyclic use would make LRU miss every time

    def test_what_an_earlier_run_left_gives_way_oldest_first(self, tmp_path: Path) -> None:
        limit = 4 * entry_size(tmp_path)
        for number in range(4):
            FeatureStore(tmp_path / "features", limit).put(key(number), features(number))
            age(tmp_path / "features", 1)
        store = FeatureStore(tmp_path / "features", limit)
        assert store.put(key(10), features(10))
        assert held(store, range(1, 20)) == [1, 2, 3, 10]
        assert store.put(key(11), features(11)) is False  # all have been used now

    def test_a_hit_saves_an_old_entry(self, tmp_path: Path) -> None:
        limit = 2 * entry_size(tmp_path)
        before = FeatureStore(tmp_path / "features", limit)
        before.put(key(0), features(0))
        before.put(key(1), features(1))
        age(tmp_path / "features", 1)
        store = FeatureStore(tmp_path / "features", limit)
        reader = pickle.loads(pickle.dumps(store))  # as in a worker
        assert reader.get(key(0)) is not None
        assert store.put(key(2), features(2))
        assert held(store, range(3)) == [0, 2]

    def test_a_use_after_looking_saves_too(self, tmp_path: Path) -> None:
        limit = 3 * entry_size(tmp_path)
        before = FeatureStore(tmp_path / "features", limit)
        before.put(key(0), features(0))
        before.put(key(1), features(1))
        age(tmp_path / "features", 1)
        store = FeatureStore(tmp_path / "features", limit)
        store.put(key(2), features(2))  # now the store has seen that 0 and 1 are old
        assert FeatureStore(tmp_path / "features", limit).get(key(0)) is not None
        assert [store.put(key(number), features(number)) for number in (3, 4)] == [True, False]
        assert held(store, range(5)) == [0, 2, 3]

    def test_what_is_larger_than_all_is_not_stored(self, tmp_path: Path) -> None:
        store = FeatureStore(tmp_path / "features", 100)
        assert store.put(key(1), features(1)) is False
        assert store.usage() == []

    def test_counts_what_other_writers_add(self, tmp_path: Path) -> None:
        size = entry_size(tmp_path)
        store, other = (FeatureStore(tmp_path / "features", 100 * size) for _ in range(2))
        for number in range(100):
            store.put(key(number), features(number))
            other.put(key(1000 + number), features(number))
        assert store.usage()[0].entries <= 100 * (1 + 2 / 64)

    def test_a_folder_that_cannot_be_written_to_is_told_of_once(self, tmp_path: Path) -> None:
        (tmp_path / "features").write_text("in the way")
        store = FeatureStore(tmp_path / "features", ROOMY)
        message = "No more features are kept in .*A part of this path is a file.*AVPROMPT_HOME"
        with pytest.warns(UserWarning, match=message):
            assert store.put(key(1), features(1)) is False
        assert store.put(key(2), features(2)) is False
        assert store.get(key(2)) is None

    def test_nor_are_the_words_about_it_tried_again(self, tmp_path: Path) -> None:
        (tmp_path / "features").write_text("in the way")
        store = FeatureStore(tmp_path / "features", ROOMY)
        with pytest.warns(UserWarning, match="No more features are kept in"):
            store.write_about("audio", "1234", "an ear")
        store.write_about("images", "5678", "an eye")
        assert store.put(key(1), features(1)) is False


class TestDeath:
    def test_old_leftovers_are_swept_and_new_ones_left(self, store: FeatureStore) -> None:
        store.put(key(1), features(1))
        folder = next(store.folder.rglob("*.safetensors")).parent
        old, new = folder / ".old.safetensors.x", folder / ".new.safetensors.y"
        for path in (old, new):
            path.write_bytes(b"half an ent")
        os.utime(old, (time.time() - 2 * HOUR,) * 2)
        again = FeatureStore(store.folder, ROOMY)
        again.put(key(2), features(2))
        assert (old.exists(), new.exists()) == (False, True)
        assert again.usage()[0].entries == 2

    def test_a_killed_writer_leaves_nothing_that_is_read(self, store: FeatureStore) -> None:
        context = multiprocessing.get_context("fork")
        writer = context.Process(target=_write_for_ever, args=(store,))
        writer.start()
        while len(list(store.folder.rglob("*.safetensors"))) < 5:
            time.sleep(0.01)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        for number in range(200):
            entry = store.get(key(number))
            assert entry is None or torch.equal(entry["frames"], features(number % 7, 200_000)["frames"])
        assert held(store, range(200))


class TestManyProcesses:
    def test_may_write_the_same_and_other_entries(self, store: FeatureStore) -> None:
        context = multiprocessing.get_context("fork")
        writers = [context.Process(target=_write, args=(store, start)) for start in (0, 20)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0
        assert held(store, range(60)) == list(range(60))
        for number in range(60):
            assert torch.equal((store.get(key(number)) or {})["frames"], features(number)["frames"])
        assert not list(store.folder.rglob(".*"))


class TestPickling:
    def test_goes_into_workers_without_what_was_seen(self, store: FeatureStore) -> None:
        store.put(key(1), features(1))
        copy = pickle.loads(pickle.dumps(store))
        assert copy == store
        assert copy.get(key(1)) is not None
        assert copy.put(key(2), features(2))
        assert len(pickle.dumps(store)) < 1000


class TestInfoAndClear:
    def test_tell_what_is_there_and_remove_it(self, store: FeatureStore) -> None:
        assert store.usage() == []
        store.write_about("audio", "encoder", "an Ear in float32")
        store.put(key(1), features(1))
        store.put(key(2), features(2))
        store.put("images/other/ab", features(3))
        size = entry_size(store.folder.parent)
        assert store.usage() == [
            DiskUsage("audio", "encoder", "an Ear in float32", 2, 2 * size),
            DiskUsage("images", "other", "unknown", 1, size),
        ]
        store.clear()
        assert store.usage() == []
        assert store.put(key(1), features(1))


def _write(store: FeatureStore, start: int) -> None:
    for number in range(start, start + 40):
        assert store.put(key(number), features(number))


def _write_for_ever(store: FeatureStore) -> None:
    for number in range(200):
        store.put(key(number), features(number % 7, 200_000))
