"""Training batches: the same for the same seed, shared out in order, and nothing lost without a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avprompt.config.training_options import TrainingOptions
from avprompt.data.inputs import InputSpec
from avprompt.distributed import Ranks
from avprompt.records import Sample
from avprompt.training.batches import ClipBatch, steps_per_epoch, training_batches
from tinyworld.benchmark import Broken, Tiny
from tinyworld.scenes import scene

PLAIN = TrainingOptions(batch_size=4, flip=False, crop=1)


@pytest.fixture
def spec() -> InputSpec:
    return InputSpec(32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1600, 0.1)


@pytest.fixture
def samples() -> list[Sample]:
    return list(Tiny().split("train").samples)


def batches(
    samples: list[Sample],
    spec: InputSpec,
    options: TrainingOptions = PLAIN,
    seed: int = 0,
    steps: range = range(4),
) -> list[ClipBatch]:
    return list(training_batches(samples, spec, options, seed, steps))


def equal(one: list[ClipBatch], other: list[ClipBatch]) -> bool:
    return all(
        a.ids == b.ids and torch.equal(a.pixels, b.pixels)
        for a, b in zip(one, other, strict=True)
        if a.pixels is not None and b.pixels is not None
    )


class TestTrainingBatches:
    def test_an_epoch_has_every_clip_once(self, samples: list[Sample], spec: InputSpec) -> None:
        epoch = batches(samples, spec)
        assert [len(batch.ids) for batch in epoch] == [4, 4, 4, 2]
        assert sorted(name for batch in epoch for name in batch.ids) == sorted(s.id for s in samples)
        assert epoch[-1].pixels is not None
        assert epoch[-1].pixels.shape == (2, 3, 32, 32)

    def test_epochs_differ(self, samples: list[Sample], spec: InputSpec) -> None:
        epochs = batches(samples, spec, steps=range(8))
        assert [batch.ids for batch in epochs[:4]] != [batch.ids for batch in epochs[4:]]

    def test_follow_the_seed(self, samples: list[Sample], spec: InputSpec) -> None:
        options = TrainingOptions(batch_size=4)
        assert equal(batches(samples, spec, options), batches(samples, spec, options))
        assert not equal(batches(samples, spec, options), batches(samples, spec, options, seed=1))

    def test_can_begin_in_the_middle(self, samples: list[Sample], spec: InputSpec) -> None:
        options = TrainingOptions(batch_size=4)
        whole = batches(samples, spec, options, steps=range(7))
        assert equal(whole[5:], batches(samples, spec, options, steps=range(5, 7)))

    def test_workers_change_nothing(self, samples: list[Sample], spec: InputSpec) -> None:
        one, two = TrainingOptions(batch_size=4), TrainingOptions(batch_size=4, workers=2)
        assert equal(batches(samples, spec, one), batches(samples, spec, two))

    def test_of_many_steps_are_made_as_they_are_asked_for(
        self, samples: list[Sample], spec: InputSpec
    ) -> None:
        endless: Iterator[ClipBatch] = training_batches(samples, spec, PLAIN, 0, range(10**9))
        assert len(next(endless).ids) == 4

    def test_unreadable_clips_are_named(self, spec: InputSpec) -> None:
        epoch = batches(list(Broken().split("train").samples), spec)
        skipped = {missing.id: missing.reason for batch in epoch for missing in batch.skipped}
        assert set(skipped) == {f"train-{index}" for index in (1, 3, 6, 8, 11, 13)}
        assert "no-such-image.png" in skipped["train-1"]
        assert "no-such-sound.wav" in skipped["train-3"]
        assert sum(len(batch.ids) for batch in epoch) == 8

    def test_a_batch_may_be_empty(self, spec: InputSpec) -> None:
        gone = [replace(scene("train", index), image=Path("gone.png")) for index in range(4)]
        (clips,) = batches(gone, spec, steps=range(1))
        assert (clips.ids, clips.pixels, clips.sounds, len(clips.skipped)) == ((), None, (), 4)


class TestAugmentation:
    def images(self, spec: InputSpec, **options: Any) -> list[np.ndarray]:
        """One picture, half of it white, in many epochs."""
        picture = np.zeros((32, 32, 3), dtype=np.uint8)
        picture[:, :16] = 255
        samples = [replace(scene("train", index), image=picture) for index in range(2)]
        settings = TrainingOptions(batch_size=2, **options)
        seen = training_batches(samples, spec, settings, 0, range(40))
        return [clips.pixels[0].permute(1, 2, 0).numpy() for clips in seen if clips.pixels is not None]

    def test_off(self, spec: InputSpec) -> None:
        first, *others = self.images(spec, flip=False, crop=1)
        assert all(np.array_equal(first, other) for other in others)

    def test_half_of_the_images_are_mirrored(self, spec: InputSpec) -> None:
        white_left = [bool(image[0, 0, 0] > 128) for image in self.images(spec, flip=True, crop=1)]
        assert 10 <= sum(white_left) <= 30

    def test_crops_of_a_larger_image(self, spec: InputSpec) -> None:
        edges = {int((image[0, :, 0] > 128).sum()) for image in self.images(spec, flip=False, crop=1.5)}
        assert edges <= set(range(8, 25))  # white takes 24 of 48 columns; up to 16 are cut away
        assert len(edges) > 5


@pytest.mark.parametrize(
    ("samples", "batch_size", "steps"), [(14, 4, 4), (13, 4, 3), (12, 4, 3), (3, 16, 1), (1, 16, 0)]
)
def test_steps_per_epoch(samples: int, batch_size: int, steps: int) -> None:
    assert steps_per_epoch(samples, batch_size) == steps


class TestRanks:
    """Batches are shared out in order, and nothing is read twice or left out."""

    @pytest.mark.parametrize("size", [2, 3, 5])
    def test_have_shares_of_each_training_batch(
        self, samples: list[Sample], spec: InputSpec, size: int
    ) -> None:
        options = TrainingOptions(batch_size=4, crop=1.5)
        whole = batches(samples, spec, options)
        parts = [
            list(training_batches(samples, spec, options, 0, range(4), ranks=Ranks(rank, size)))
            for rank in range(size)
        ]
        for alone, *shares in zip(whole, *parts, strict=True):
            assert tuple(name for share in shares for name in share.ids) == alone.ids
            assert max(len(share.ids) for share in shares) - min(len(share.ids) for share in shares) <= 1
            pixels = [share.pixels for share in shares if share.pixels is not None]
            assert alone.pixels is not None
            assert torch.equal(torch.cat(pixels), alone.pixels)

    def test_without_work_come_along(self, spec: InputSpec) -> None:
        two = list(Tiny().split("train").samples)[:2]
        (share,) = training_batches(two, spec, PLAIN, 0, range(1), ranks=Ranks(3, 4))
        assert (share.ids, share.pixels, share.sounds) == ((), None, ())


def test_clips_are_bytes_until_they_are_on_their_device(samples: list[Sample], spec: InputSpec) -> None:
    clips = batches(samples, spec)[0]
    assert clips.pixels is not None
    assert clips.pixels.dtype == torch.uint8
    images = [spec.pixels(image.permute(1, 2, 0).numpy()) for image in clips.pixels]
    assert torch.equal(spec.normalise(clips.pixels), torch.stack(images))
