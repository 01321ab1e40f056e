"""Shards that flow by: every clip once a pass, shuffled, shared out, and nothing replaced."""

from __future__ import annotations

import io
import json
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner
from PIL import Image

from avprompt.cli import main
from avprompt.config.training_options import TrainingOptions
from avprompt.data.inputs import InputSpec
from avprompt.data.streaming import Stream, is_stream, open_stream
from avprompt.distributed import ALONE, Ranks
from avprompt.errors import ConfigError, DataError
from avprompt.training.batches import ClipBatch, training_batches
from avprompt.training.state import LOG_FILE
from tinyworld.training import waveforms

SPEC = InputSpec(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 8000, 0.1)
SHARDS, EACH = 4, 6
OPTIONS = TrainingOptions(batch_size=4, workers=0)


def picture(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 20), (level, level, level)).save(file, "PNG")
    return file.getvalue()


def sound(level: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.full(800, level / 256, dtype=np.float32), 8000, format="WAV")
    return file.getvalue()


def write(path: Path, clips: dict[str, dict[str, bytes]]) -> None:
    with tarfile.open(path, "w") as tar:
        for key, files in clips.items():
            for ending, data in files.items():
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


@pytest.fixture
def shards(tmp_path: Path) -> str:
    """Four shards of six clips; clip k is of level k, and called clip-k."""
    for shard in range(SHARDS):
        numbers = range(shard * EACH, (shard + 1) * EACH)
        about = {number: json.dumps({"id": f"clip-{number}", "label": "tone"}).encode() for number in numbers}
        write(
            tmp_path / f"train-{shard:02d}.tar",
            {f"{n:08d}": {"png": picture(n), "wav": sound(n), "json": about[n]} for n in numbers},
        )
    return str(tmp_path / "train-{00..03}.tar")


def batches(
    shards: str,
    steps: range = range(6),
    ranks: Ranks = ALONE,
    seed: int = 0,
    workers: int = 0,
    buffer: int = 8,
) -> list[ClipBatch]:
    stream = Stream(open_stream(shards, 24).shards, 24, buffer)
    options = TrainingOptions(batch_size=4, workers=workers)
    return list(training_batches(stream, SPEC, options, seed, steps, ranks=ranks))


def ids(clips: list[ClipBatch]) -> list[str]:
    return [name for batch in clips for name in batch.ids]


ALL = sorted(f"clip-{number}" for number in range(SHARDS * EACH))


def test_patterns_are_told_from_folders(tmp_path: Path) -> None:
    assert all(map(is_stream, ("train-{00..09}.tar", "http://host/a.tar", "pipe:cat a.tar")))
    assert not is_stream(str(tmp_path))
    assert open_stream("a-{8..10}.tar", 5).shards == ("a-8.tar", "a-9.tar", "a-10.tar")
    assert len(open_stream("pipe:cat a.tar", 5)) == 5


def test_a_pass_has_every_clip_once(shards: str) -> None:
    clips = batches(shards, range(12))
    assert [len(batch.ids) for batch in clips] == [4] * 12
    assert sorted(ids(clips[:6])) == sorted(ids(clips[6:])) == ALL
    assert ids(clips[:6]) != ids(clips[6:])


def test_pictures_and_sounds_stay_together(shards: str) -> None:
    for clips in batches(shards):
        assert clips.pixels is not None
        for name, pixels, waveform in zip(clips.ids, clips.pixels, waveforms(clips.sounds), strict=True):
            number = int(name.removeprefix("clip-"))
            assert int(pixels.float().mean().round()) == number
            assert float(waveform[:700].mean()) == pytest.approx(number / 256, abs=1e-3)


def test_the_order_follows_seed_and_start(shards: str) -> None:
    first = ids(batches(shards))
    assert first == ids(batches(shards))
    assert first != ids(batches(shards, seed=1))
    resumed = ids(batches(shards, range(6, 12)))
    assert resumed != first
    assert sorted(resumed) == ALL


def test_clips_are_drawn_from_a_buffer(shards: str) -> None:
    unshuffled = ids(batches(shards, buffer=1))
    neighbours = [int(b[5:]) - int(a[5:]) == 1 for a, b in pairwise(unshuffled)]
    assert sum(neighbours) >= SHARDS * (EACH - 1)
    assert ids(batches(shards, buffer=24)) != unshuffled


@pytest.mark.parametrize("workers", [0, 2])
def test_ranks_and_workers_read_shards_of_their_own(shards: str, workers: int) -> None:
    parts = [batches(shards, range(6), Ranks(rank, 2), workers=workers) for rank in range(2)]
    assert [len(batch.ids) for part in parts for batch in part] == [2] * 12
    assert sorted(name for part in parts for name in ids(part)) == ALL


def test_more_workers_than_shards_are_not_started(shards: str) -> None:
    parts = [batches(shards, ranks=Ranks(rank, 4), workers=2) for rank in range(4)]
    assert sorted(name for part in parts for name in ids(part)) == ALL


def test_every_rank_needs_a_shard(shards: str) -> None:
    with pytest.raises(ConfigError, match="4 shards for 5 processes"):
        batches(shards, ranks=Ranks(0, 5))


def test_pipes_are_read(shards: str) -> None:
    folder = Path(shards).parent
    assert sorted(ids(batches(f"pipe:cat {folder}/train-{{00..03}}.tar"))) == ALL


def test_broken_clips_are_listed_not_replaced(tmp_path: Path) -> None:
    good = {"png": picture(3), "wav": sound(3)}
    clips = {
        "a": good,
        "b": good | {"png": b"no picture"},
        "c": good | {"wav": b"RIFF no sound"},
        "d": {"png": picture(3)},
        "e": {"wav": sound(3)},
        "f": good | {"json": b"[]"},
    }
    write(tmp_path / "x.tar", clips)
    read = batches(f"pipe:cat {tmp_path}/x.tar", range(3), buffer=1)
    skipped = {missing.id: missing.reason for batch in read[:2] for missing in batch.skipped}
    assert read[0].ids == ("a",)
    assert {"b", "c", "d"} == set(skipped) & {"b", "c", "d"}
    assert "b.png is not a picture" in skipped["b"]
    assert "c.wav is not a sound" in skipped["c"]
    assert skipped["d"] == "d holds no sound."
    assert skipped["e"] == "e holds no picture."
    assert "f.json" in skipped["f"]


def test_a_broken_shard_is_an_error(tmp_path: Path, shards: str) -> None:
    (tmp_path / "train-00.tar").write_bytes(b"no tar" * 1000)
    with pytest.raises(DataError, match="A shard cannot be read"):
        batches(shards)
    with pytest.raises(DataError, match="A shard cannot be read"):
        batches(str(tmp_path / "gone-{0..1}.tar"))
    with pytest.raises(DataError, match="A shard cannot be read"):  # all clips came, but not all is well
        batches(f"pipe:cat {tmp_path}/train-{{01..02}}.tar && exit 3")


def test_a_run_trains_from_a_stream(tmp_path: Path) -> None:
    for shard in range(2):
        names = [f"{shard}{k}" for k in range(4)]
        write(tmp_path / f"{shard}.tar", {name: {"png": picture(9), "wav": sound(9)} for name in names})
    pattern = str(tmp_path / "{0..1}.tar")
    command = ["run", "souple", "--dataset", "tiny", "--batch-size", "2", "--shards", pattern]
    run = CliRunner().invoke(main, [*command, "--steps", "3", "--output", str(tmp_path / "run")])
    assert run.exit_code == 0, run.output
    log = (tmp_path / "run" / LOG_FILE).read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [0, 1, 2]
    assert f"shards: {pattern}" in (tmp_path / "run" / "config.yaml").read_text().replace("'", "")
    refused = CliRunner().invoke(main, [*command, "--epochs", "3", "--output", str(tmp_path / "other")])
    assert "give --steps N with --shards PATTERN" in refused.output
    assert not (tmp_path / "other").exists()


def test_a_stream_has_no_places(shards: str) -> None:
    with pytest.raises(TypeError, match="their own order"):
        open_stream(shards, 24)[0]


def test_augmentation_follows_seed_pass_and_clip(shards: str) -> None:
    in_order, shuffled = (
        {
            name: pixels
            for batch in batches(shards, buffer=size)
            for name, pixels in zip(batch.ids, batch.pixels if batch.pixels is not None else [], strict=True)
        }
        for size in (1, 24)
    )
    assert all(torch.equal(in_order[name], shuffled[name]) for name in in_order)
    assert next(iter(in_order)) in ALL
