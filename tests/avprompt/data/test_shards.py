"""Clips packed into shards are the clips that they were, in any order."""

from __future__ import annotations

import gc
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from avprompt.cli import main
from avprompt.config.training_options import TrainingOptions
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.inputs import InputSpec
from avprompt.data.media import read_audio, read_image
from avprompt.data.shards import read_shards
from avprompt.data.tools.pack import write_shards
from avprompt.errors import ConfigError, DataError
from avprompt.files import locked
from avprompt.records import Frame, Missing, Sample, Split
from avprompt.registry import Registry
from avprompt.training.batches import ClipBatch, training_batches
from mediafiles import IDS, save_video
from tinyworld.training import waveforms

SPEC = InputSpec(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 8000, 0.5)


@pytest.fixture
def split(root: Path, vggss: type[BenchmarkAdapter]) -> Split:
    """Four clips in two shards, and one more that has no files."""
    (root / "vggss_10k.csv").write_text("".join(f"{name},a tone\n" for name in (*IDS, "gone000aaaa_000001")))
    return vggss(root).split("train-10k")


@pytest.fixture
def shards(split: Split, tmp_path: Path) -> Path:
    write_shards(split, tmp_path / "shards", "vggss", "train-10k", per_shard=3)
    return tmp_path / "shards"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def batches(samples: object, **options: object) -> list[ClipBatch]:
    training = TrainingOptions(batch_size=2, crop=1.2, flip=True, **options)
    return list(training_batches(samples, SPEC, training, seed=3, steps=range(4)))  # type: ignore[arg-type]


def test_a_split_is_what_it_was(split: Split, shards: Path) -> None:
    packed = read_shards(shards)
    assert [sample.id for sample in packed.samples] == list(IDS)
    assert [sample.label for sample in packed.samples] == ["a tone"] * 4
    assert (packed.expected, packed.missing) == (split.expected, split.missing)
    assert [clip.id for clip in packed.missing] == ["gone000aaaa_000001"]
    assert packed.samples[-1].id == IDS[-1]
    assert [sample.id for sample in packed.samples[1:3]] == list(IDS[1:3])
    with pytest.raises(IndexError):
        packed.samples[4]


@pytest.mark.parametrize("workers", [0, 1])
def test_training_takes_the_same_batches_from_shards_as_from_files(
    split: Split, shards: Path, workers: int
) -> None:
    for files, packed in zip(
        batches(split.samples), batches(read_shards(shards).samples, workers=workers), strict=True
    ):
        assert files.ids == packed.ids
        assert files.pixels is not None
        assert packed.pixels is not None
        assert torch.equal(files.pixels, packed.pixels)
        assert torch.equal(waveforms(files.sounds), waveforms(packed.sounds))


def test_a_clip_is_three_files_with_one_key(shards: Path) -> None:
    with tarfile.open(shards / "train-10k-000001.tar") as tar:
        assert tar.getnames() == ["00000003.jpg", "00000003.wav", "00000003.json"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_shards_are_webdataset_tars(shards: Path, root: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    shard = str(shards / "train-10k-000000.tar")
    clips = list(webdataset.WebDataset(shard, shardshuffle=False, empty_check=False))
    gc.collect()  # it leaves the tar open; the warning belongs here
    assert [clip["__key__"] for clip in clips] == ["00000000", "00000001", "00000002"]
    assert clips[1]["jpg"] == (root / f"frames/{IDS[1]}.jpg").read_bytes()
    assert clips[1]["wav"] == (root / f"audio/{IDS[1]}.wav").read_bytes()


def test_what_was_interrupted_goes_on_and_ends_with_the_same_files(
    split: Split, shards: Path, tmp_path: Path
) -> None:
    whole = files(shards)
    for name in ("train-10k-000000.tar", "index.npz"):
        (shards / name).unlink()
    (shards / ".train-10k-000000.tar.x1y2z3").write_bytes(b"half a shard")
    kept = (shards / "train-10k-000001.tar").stat().st_mtime_ns
    with pytest.raises(DataError, match="holds no finished shards"):
        read_shards(shards)
    write_shards(split, shards, "vggss", "train-10k", per_shard=3, workers=2)
    assert files(shards) == whole
    assert (shards / "train-10k-000001.tar").stat().st_mtime_ns == kept


def test_shards_of_other_clips_are_not_mixed(split: Split, shards: Path, tmp_path: Path) -> None:
    for other in (split, replace(split, samples=split.samples[:3])):
        with pytest.raises(DataError, match="holds shards of other clips or sizes"):
            write_shards(other, shards, "vggss", "train-10k", per_shard=2)
    (tmp_path / "theirs").mkdir()
    shutil.copy(shards / "train-10k-000000.tar", tmp_path / "theirs")
    with pytest.raises(DataError, match="holds shards of other clips or sizes"):
        write_shards(split, tmp_path / "theirs", "vggss", "train-10k", per_shard=3)


def test_one_process_at_a_time_writes_shards(split: Split, shards: Path) -> None:
    half = shards / ".train-10k-000000.tar.x1y2z3"
    half.write_bytes(b"half a shard")
    with locked(shards / ".lock"), pytest.raises(ConfigError, match="Another process writes to"):
        write_shards(split, shards, "vggss", "train-10k", per_shard=3)
    assert half.exists(), "it is another's"


@pytest.mark.parametrize("output", ["file", "file/inside"])
def test_where_nothing_can_be_written_is_named(output: str, split: Split, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=f"{output}' cannot be written to: .*(exists|[Nn]ot a directory)"):
        write_shards(split, tmp_path / output, "vggss", "train-10k", per_shard=3)


def test_clips_that_cannot_be_packed_are_named(split: Split, root: Path, tmp_path: Path) -> None:
    (root / f"frames/{IDS[1]}.jpg").unlink()
    packed = write_shards(split, tmp_path / "shards", "vggss", "train", per_shard=3)
    assert [sample.id for sample in packed.samples] == [IDS[0], *IDS[2:]]
    assert packed.missing[-1] == Missing(IDS[1], f"{root}/frames/{IDS[1]}.jpg does not exist.")
    assert packed.expected == 5


def without_spans(path: Path) -> None:
    with np.load(path.with_name("index.npz")) as file:
        arrays = {name: file[name] for name in file.files if name != "spans"}
    np.savez(path.with_name("index.npz"), **arrays)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a shard is gone": (lambda path: path.unlink(), r"000000.tar' has 0 bytes instead of \d+"),
    "half a shard": (lambda path: path.write_bytes(path.read_bytes()[:5000]), "has 5000 bytes instead"),
    "no index": (lambda path: path.with_name("index.npz").unlink(), "no finished shards"),
    "an empty index": (lambda path: path.with_name("index.npz").write_bytes(b""), "again"),
    "an index without a key": (without_spans, "there is no 'spans' in it.*Remove it and shard again"),
    "half an index": (lambda path: path.with_name("index.npz").write_bytes(b"PK"), "cannot be read"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named(damage: Callable[[Path], object], message: str, shards: Path) -> None:
    damage(shards / "train-10k-000000.tar")
    with pytest.raises(DataError, match=message):
        read_shards(shards)


def test_a_foreign_tar_is_not_taken_for_a_shard(split: Split, shards: Path) -> None:
    (shards / "train-10k-000000.tar").write_bytes(b"x" * 1024)
    with pytest.raises(DataError, match=r"000000.tar' is broken.*Remove it"):
        write_shards(split, shards, "vggss", "train-10k", per_shard=3)


def same(sample: Sample, other: Sample) -> None:
    assert sample.id == other.id
    np.testing.assert_array_equal(read_image(sample.image), read_image(other.image))
    for rate in (8000, 16_000):
        np.testing.assert_array_equal(read_audio(sample.audio, rate, 0.1), read_audio(other.audio, rate, 0.1))


def test_clips_that_are_made_on_the_fly_or_are_parts_of_videos(registry: Registry, tmp_path: Path) -> None:
    split = registry.load("datasets", "tiny")().split("train")
    packed = write_shards(split, tmp_path / "a", "tiny", "train")
    for sample, other in zip(split.samples, packed.samples, strict=True):
        same(sample, other)
    video = save_video(tmp_path / "video.mp4", frames=30)
    samples = [Sample(str(k), Frame(video, k), video) for k in (0, 20)]
    packed = write_shards(Split(samples, 2), tmp_path / "b", "videos", "train")
    for sample, other in zip(samples, packed.samples, strict=True):
        same(sample, other)


def test_the_command(split: Split, root: Path, tmp_path: Path) -> None:
    command = ["data", "shard", "vggss", "--data-root", str(root), "--output", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*command, "--per-shard", "3", "--workers", "1"])
    assert done.exit_code == 1, "one clip has no files"
    assert "4 of 5 clips of 'train'" in done.stdout
    assert "gone000aaaa_000001" in done.stdout
    (root / "vggss_10k.csv").write_text("\n".join(IDS))
    command[-1] = str(tmp_path / "whole")
    assert CliRunner().invoke(main, [*command, "--workers", "1"]).exit_code == 0
