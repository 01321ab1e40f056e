"""How inputs are taken: in order, and nothing lost without a word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avprompt.data.inputs import (
    ImageReader,
    InputSpec,
    SoundReader,
    evaluation_items,
    noise,
    silence,
)
from avprompt.distributed import Ranks
from avprompt.records import Audio, Missing
from tinyworld.benchmark import Broken, Tiny
from tinyworld.scenes import scene


@pytest.fixture
def spec() -> InputSpec:
    return InputSpec(32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1600, 0.1)


class TestInputSpec:
    def test_normalises_and_back(self, spec: InputSpec) -> None:
        image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        pixels = spec.pixels(image)
        assert pixels.shape == (3, 32, 32)
        assert float(pixels[1, 2, 3]) == pytest.approx((image[2, 3, 1] / 255 - 0.5) / 0.25, abs=1e-6)
        assert np.array_equal(spec.image(pixels), image)

    def test_cuts_and_pads_sounds(self, spec: InputSpec) -> None:
        for length in (50, 160, 400):
            wave = spec.waveform(Audio(np.ones(length, np.float32), 1600))
            assert wave.shape == (160,)
            assert float(wave.sum()) == min(length, 160)

    def test_leaves_short_sounds_to_encoders_that_pad_them(self, spec: InputSpec) -> None:
        bare = replace(spec, pad=False)
        for length in (50, 160, 400):
            wave = bare.waveform(Audio(np.ones(length, np.float32), 1600))
            assert wave.tolist() == [1.0] * min(length, 160)

    def test_silence_and_noise(self, spec: InputSpec) -> None:
        assert silence(spec).shape == (160,)
        assert float(silence(spec).abs().sum()) == 0
        assert np.array_equal(noise(spec, 3).samples, noise(spec, 3).samples)
        assert not np.array_equal(noise(spec, 3).samples, noise(spec, 4).samples)


class TestEvaluationItems:
    def test_keep_their_order_and_the_last_short_batch(self, spec: InputSpec) -> None:
        samples = list(Tiny().split("test").samples)
        batches = list(evaluation_items(samples, ImageReader(spec), 4))
        assert [[index for index, _ in batch] for batch in batches] == [[0, 1, 2, 3], [4, 5]]
        assert [image.sample.id for batch in batches for _, image in batch] == [
            sample.id for sample in samples
        ]

    def test_leave_out_sound_that_would_spoil_its_batch(self, spec: InputSpec) -> None:
        samples = list(Tiny().split("test").samples)[:2]
        samples[1] = replace(samples[1], audio=Audio(np.full(160, 1e30, np.float32), 1600))
        (((_, whole), (_, loud)),) = evaluation_items(samples, SoundReader(spec), 2)
        assert not isinstance(whole, Missing)
        assert isinstance(loud, Missing)
        assert loud.id == samples[1].id
        assert "as large as 1e+30" in loud.reason

    def test_name_what_cannot_be_read(self, spec: InputSpec) -> None:
        samples = list(Broken().split("test").samples)
        (items,) = evaluation_items(samples, ImageReader(spec), 8)
        missing = {index: item for index, item in items if isinstance(item, Missing)}
        assert list(missing) == [1]
        assert missing[1].id == "test-1"

    def test_need_a_truth(self, spec: InputSpec) -> None:
        samples = [replace(scene("test", 0), truth=None)]
        (((_, item),),) = evaluation_items(samples, ImageReader(spec), 4)
        assert item == Missing("test-0", "Sample 'test-0' has no ground truth, so it cannot be scored.")

    def test_sounds_by_condition(self, spec: InputSpec) -> None:
        plain = replace(scene("test", 0), distractor=None)
        off_screen = replace(plain, off_screen=Audio(np.ones(160, np.float32), 1600))
        samples = [scene("test", 0), plain, off_screen]
        (items,) = evaluation_items(samples, SoundReader(spec), 4)
        assert [set(sounds.by_condition) for _, sounds in items] == [
            {"true", "distractor"},
            {"true"},
            {"true", "off-screen"},
        ]
        off_screen_sound = items[2][1].by_condition["off-screen"].waveform
        assert off_screen_sound is not None
        assert float(off_screen_sound.sum()) == 160

    def test_are_dealt_out_to_ranks_by_batch(self, spec: InputSpec) -> None:
        samples = list(Tiny().split("train").samples)
        read, whole = ImageReader(spec), []
        for rank in range(3):
            for items in evaluation_items(samples, read, 4, ranks=Ranks(rank, 3)):
                number = items[0][0] // 4
                assert number % 3 == rank
                whole.append((number, [index for index, _ in items]))
        assert [index for _, indices in sorted(whole) for index in indices] == list(range(14))
        assert list(evaluation_items(samples[:2], read, 4, ranks=Ranks(1, 2))) == []
