"""From samples to batches: the same for the same seed, and nothing lost without a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avprompt.composition import TrainingOptions
from avprompt.loading import (
    Clips,
    SceneReader,
    SoundReader,
    View,
    evaluation_items,
    noise,
    silence,
    steps_per_epoch,
    training_batches,
)
from avprompt.ranks import ALONE, Ranks
from avprompt.records import Audio, Missing, Sample
from avprompt.workers import worker_count
from tinyworld.benchmark import Broken, Tiny
from tinyworld.scenes import scene

PLAIN = TrainingOptions(batch_size=4, flip=False, crop=1)


@pytest.fixture
def view() -> View:
    return View(32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1600, 0.1)


@pytest.fixture
def samples() -> list[Sample]:
    return list(Tiny().split("train").samples)


def batches(
    samples: list[Sample],
    view: View,
    options: TrainingOptions = PLAIN,
    seed: int = 0,
    steps: range = range(4),
) -> list[Clips]:
    return list(training_batches(samples, view, options, seed, steps))


def equal(one: list[Clips], other: list[Clips]) -> bool:
    return all(
        a.ids == b.ids and torch.equal(a.pixels, b.pixels)
        for a, b in zip(one, other, strict=True)
        if a.pixels is not None and b.pixels is not None
    )


class TestView:
    def test_normalises_and_back(self, view: View) -> None:
        image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        pixels = view.pixels(image)
        assert pixels.shape == (3, 32, 32)
        assert float(pixels[1, 2, 3]) == pytest.approx((image[2, 3, 1] / 255 - 0.5) / 0.25, abs=1e-6)
        assert np.array_equal(view.image(pixels), image)

    def test_cuts_and_pads_sounds(self, view: View) -> None:
        for length in (50, 160, 400):
            wave = view.waveform(Audio(np.ones(length, np.float32), 1600))
            assert wave.shape == (160,)
            assert float(wave.sum()) == min(length, 160)

    def test_silence_and_noise(self, view: View) -> None:
        assert silence(view).shape == (160,)
        assert float(silence(view).abs().sum()) == 0
        assert np.array_equal(noise(view, 3).samples, noise(view, 3).samples)
        assert not np.array_equal(noise(view, 3).samples, noise(view, 4).samples)


class TestTrainingBatches:
    def test_an_epoch_has_every_clip_once(self, samples: list[Sample], view: View) -> None:
        clips = batches(samples, view)
        assert [len(each.ids) for each in clips] == [4, 4, 4, 2]
        assert sorted(name for each in clips for name in each.ids) == sorted(sample.id for sample in samples)
        batch = clips[-1].batch(view)
        assert batch is not None
        assert batch.pixels.shape == (2, 3, 32, 32)

    def test_epochs_differ(self, samples: list[Sample], view: View) -> None:
        clips = batches(samples, view, steps=range(8))
        assert [each.ids for each in clips[:4]] != [each.ids for each in clips[4:]]

    def test_follow_the_seed(self, samples: list[Sample], view: View) -> None:
        options = TrainingOptions(batch_size=4)
        assert equal(batches(samples, view, options), batches(samples, view, options))
        assert not equal(batches(samples, view, options), batches(samples, view, options, seed=1))

    def test_can_begin_in_the_middle(self, samples: list[Sample], view: View) -> None:
        options = TrainingOptions(batch_size=4)
        whole = batches(samples, view, options, steps=range(7))
        assert equal(whole[5:], batches(samples, view, options, steps=range(5, 7)))

    def test_workers_change_nothing(self, samples: list[Sample], view: View) -> None:
        one, two = TrainingOptions(batch_size=4), TrainingOptions(batch_size=4, workers=2)
        assert equal(batches(samples, view, one), batches(samples, view, two))

    def test_of_many_steps_are_made_as_they_are_asked_for(self, samples: list[Sample], view: View) -> None:
        endless: Iterator[Clips] = training_batches(samples, view, PLAIN, 0, range(10**9))
        assert len(next(endless).ids) == 4

    def test_unreadable_clips_are_named(self, view: View) -> None:
        clips = batches(list(Broken().split("train").samples), view)
        skipped = {missing.id: missing.reason for each in clips for missing in each.skipped}
        assert set(skipped) == {f"train-{index}" for index in (1, 3, 6, 8, 11, 13)}
        assert "no-such-image.png" in skipped["train-1"]
        assert "no-such-sound.wav" in skipped["train-3"]
        assert sum(len(each.ids) for each in clips) == 8

    def test_a_batch_may_be_empty(self, view: View) -> None:
        gone = [replace(scene("train", index), image=Path("gone.png")) for index in range(4)]
        (clips,) = batches(gone, view, steps=range(1))
        assert (clips.ids, clips.pixels, len(clips.skipped)) == ((), None, 4)
        assert clips.batch(view) is None


class TestAugmentation:
    def images(self, view: View, **options: Any) -> list[np.ndarray]:
        """One picture, half of it white, in many epochs."""
        picture = np.zeros((32, 32, 3), dtype=np.uint8)
        picture[:, :16] = 255
        samples = [replace(scene("train", index), image=picture) for index in range(2)]
        settings = TrainingOptions(batch_size=2, **options)
        seen = training_batches(samples, view, settings, 0, range(40))
        return [clips.pixels[0].permute(1, 2, 0).numpy() for clips in seen if clips.pixels is not None]

    def test_off(self, view: View) -> None:
        first, *others = self.images(view, flip=False, crop=1)
        assert all(np.array_equal(first, other) for other in others)

    def test_half_of_the_images_are_mirrored(self, view: View) -> None:
        white_left = [bool(image[0, 0, 0] > 128) for image in self.images(view, flip=True, crop=1)]
        assert 10 <= sum(white_left) <= 30

    def test_crops_of_a_larger_image(self, view: View) -> None:
        edges = {int((image[0, :, 0] > 128).sum()) for image in self.images(view, flip=False, crop=1.5)}
        assert edges <= set(range(8, 25))  # white takes 24 of 48 columns; up to 16 are cut away
        assert len(edges) > 5


@pytest.mark.parametrize(
    ("samples", "batch_size", "steps"), [(14, 4, 4), (13, 4, 3), (12, 4, 3), (3, 16, 1), (1, 16, 0)]
)
def test_steps_per_epoch(samples: int, batch_size: int, steps: int) -> None:
    assert steps_per_epoch(samples, batch_size) == steps


class TestEvaluationItems:
    def test_keep_their_order_and_the_last_short_batch(self, view: View) -> None:
        samples = list(Tiny().split("test").samples)
        items = list(evaluation_items(samples, SceneReader(view), 4))
        assert [[index for index, _ in each] for each in items] == [[0, 1, 2, 3], [4, 5]]
        assert [scene.sample.id for each in items for _, scene in each] == [sample.id for sample in samples]

    def test_name_what_cannot_be_read(self, view: View) -> None:
        samples = list(Broken().split("test").samples)
        (items,) = evaluation_items(samples, SceneReader(view), 8)
        missing = {index: item for index, item in items if isinstance(item, Missing)}
        assert list(missing) == [1]
        assert missing[1].id == "test-1"

    def test_need_a_truth(self, view: View) -> None:
        samples = [replace(scene("test", 0), truth=None)]
        (((_, item),),) = evaluation_items(samples, SceneReader(view), 4)
        assert item == Missing("test-0", "Sample 'test-0' has no ground truth, so it cannot be scored.")

    def test_sounds_by_condition(self, view: View) -> None:
        plain = replace(scene("test", 0), distractor=None)
        off_screen = replace(plain, off_screen=Audio(np.ones(160, np.float32), 1600))
        samples = [scene("test", 0), plain, off_screen]
        (items,) = evaluation_items(samples, SoundReader(view), 4)
        assert [set(sounds.waveforms) for _, sounds in items] == [
            {"true", "distractor"},
            {"true"},
            {"true", "off-screen"},
        ]
        assert float(items[2][1].waveforms["off-screen"].sum()) == 160


class TestRanks:
    """Batches are shared out in order, and nothing is read twice or left out."""

    @pytest.mark.parametrize("size", [2, 3, 5])
    def test_have_shares_of_each_training_batch(self, samples: list[Sample], view: View, size: int) -> None:
        options = TrainingOptions(batch_size=4, crop=1.5)
        whole = batches(samples, view, options)
        parts = [
            list(training_batches(samples, view, options, 0, range(4), ranks=Ranks(rank, size)))
            for rank in range(size)
        ]
        for alone, *shares in zip(whole, *parts, strict=True):
            assert tuple(name for share in shares for name in share.ids) == alone.ids
            assert max(len(share.ids) for share in shares) - min(len(share.ids) for share in shares) <= 1
            pixels = [share.pixels for share in shares if share.pixels is not None]
            assert alone.pixels is not None
            assert torch.equal(torch.cat(pixels), alone.pixels)

    def test_have_every_nth_evaluation_batch(self, view: View) -> None:
        samples = list(Tiny().split("train").samples)
        read, whole = SceneReader(view), []
        for rank in range(3):
            for items in evaluation_items(samples, read, 4, ranks=Ranks(rank, 3)):
                number = items[0][0] // 4
                assert number % 3 == rank
                whole.append((number, [index for index, _ in items]))
        assert [index for _, indices in sorted(whole) for index in indices] == list(range(14))

    def test_without_work_come_along(self, view: View) -> None:
        two = list(Tiny().split("train").samples)[:2]
        (share,) = training_batches(two, view, PLAIN, 0, range(1), ranks=Ranks(3, 4))
        assert (share.ids, share.pixels, share.sounds) == ((), None, ())
        assert list(evaluation_items(two, SceneReader(view), 4, ranks=Ranks(1, 2))) == []


class TestWorkers:
    def test_are_as_many_as_asked_for(self) -> None:
        assert worker_count(3, torch.device("cpu"), ALONE) == 3
        assert worker_count(0, torch.device("cuda"), ALONE) == 0

    def test_serve_a_gpu_unless_told_otherwise(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
        monkeypatch.setattr("avprompt.workers._cores", lambda: 16)
        assert worker_count(None, torch.device("cpu"), ALONE) == 0
        assert worker_count(None, torch.device("cuda"), ALONE) == 8
        assert worker_count(None, torch.device("cuda"), Ranks(0, 4)) == 4
        assert worker_count(None, torch.device("cuda"), Ranks(0, 64)) == 1
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")  # 64 ranks on 32 machines
        assert worker_count(None, torch.device("cuda"), Ranks(0, 64)) == 8


def test_clips_are_bytes_until_they_are_on_their_device(samples: list[Sample], view: View) -> None:
    clips = batches(samples, view)[0]
    assert clips.pixels is not None
    assert clips.pixels.dtype == torch.uint8
    batch = clips.batch(view)
    assert batch is not None
    each = [view.pixels(image.permute(1, 2, 0).numpy()) for image in clips.pixels]
    assert torch.equal(batch.pixels, torch.stack(each))
