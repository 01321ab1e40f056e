"""Encoding ahead by many processes: each encodes its share, and together all."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.config.training_options import TrainingOptions
from avprompt.data.inputs import ImageReader, SoundReader
from avprompt.distributed import Ranks
from avprompt.features.encoding import open_encoding
from avprompt.records import Sample
from avprompt.runs.encode_ahead import SplitEncoder
from avprompt.training.batches import training_batches
from tinyworld.bench import SPEC, Bench
from tinyworld.benchmark import Broken, Tiny

OPTIONS = TrainingOptions(batch_size=4, crop=1, flip=True)


@pytest.fixture
def samples() -> list[Sample]:
    return list(Tiny().split("train").samples)


def encoders(bench: Bench, folder: Path, size: int = 1) -> list[SplitEncoder]:
    """Encoders of as many ranks, with one store."""
    method = bench.method("souple").eval()
    return [
        SplitEncoder(open_encoding(method, "all", folder=folder), SPEC, OPTIONS, Ranks(rank, size))
        for rank in range(size)
    ]


def test_ranks_share_the_work(bench: Bench, tmp_path: Path, samples: list[Sample]) -> None:
    done: list[int] = []
    ranks = encoders(bench, tmp_path / "features", size=3)
    assert [rank.share(samples) for rank in ranks] == [6, 4, 4]
    for rank in ranks:
        before = sum(done)
        assert rank.encode(samples, done.append, training=True) == []
        assert sum(done) - before == rank.share(samples)


def test_training_finds_what_was_encoded(bench: Bench, tmp_path: Path, samples: list[Sample]) -> None:
    (encoder,) = encoders(bench, tmp_path / "features")
    encoder.encode(samples, lambda done: None, training=True)
    stored = encoder.encoding.stored
    assert stored.images is not None
    for clips in training_batches(samples, SPEC, OPTIONS, 0, range(8), stored=stored):
        assert all(sound.frames is not None for sound in clips.sounds)
        assert all(stored.images.get(key) is not None for key in clips.image_keys)


def test_scoring_finds_what_was_encoded(bench: Bench, tmp_path: Path) -> None:
    samples = list(Tiny().split("test").samples)
    (encoder,) = encoders(bench, tmp_path / "features")
    encoder.encode(samples, lambda done: None, training=False)
    stored = encoder.encoding.stored
    assert stored.images is not None
    for index, sample in enumerate(samples):
        assert stored.images.get(ImageReader(SPEC, keyed=True)(sample, 0, index).key) is not None
        sounds = SoundReader(SPEC, stored.audio)(sample, 0, index).by_condition.values()
        assert all(sound.waveform is None for sound in sounds)


def test_what_cannot_be_read_is_told_of(bench: Bench, tmp_path: Path) -> None:
    (encoder,) = encoders(bench, tmp_path / "features")
    missing = encoder.encode(list(Broken().split("train").samples), lambda done: None, training=True)
    assert {clip.id for clip in missing} == {f"train-{index}" for index in (1, 3, 6, 8, 11, 13)}
