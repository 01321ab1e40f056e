"""With stored features an encoder says the same, and says it once."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avprompt.config.training_options import TrainingOptions
from avprompt.data.inputs import ImageReader, Sound, SoundInputs, SoundReader, evaluation_items
from avprompt.features.encoding import Encoding, open_encoding
from avprompt.model.method import Method
from avprompt.records import Audio, Sample
from avprompt.training.batches import ClipBatch, training_batches
from tinyworld.bench import SPEC, Bench
from tinyworld.benchmark import Tiny
from tinyworld.encoders import TinyEar
from tinyworld.training import waveforms

OPTIONS = TrainingOptions(batch_size=4, flip=False, crop=1)
EPOCH = range(4)


class Counter:
    """How many inputs the encoders of a method have worked on."""

    def __init__(self, method: Method) -> None:
        self.sounds = self.images = 0
        method.audio_encoder.register_forward_pre_hook(self._hear)
        encode_image = method.backbone.encode_image

        def see(pixels: torch.Tensor) -> object:
            self.images += len(pixels)
            return encode_image(pixels)

        method.backbone.encode_image = see  # type: ignore[method-assign, assignment]

    def _hear(self, part: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
        self.sounds += len(inputs[0])


@pytest.fixture
def method(bench: Bench) -> Method:
    return bench.method("souple").eval()


@pytest.fixture
def counter(method: Method) -> Counter:
    return Counter(method)


@pytest.fixture
def samples() -> list[Sample]:
    return list(Tiny().split("train").samples)


@pytest.fixture
def cached(method: Method, tmp_path: Path, counter: Counter) -> Encoding:
    return open_encoding(method, "all", folder=tmp_path / "features")


def clips(
    samples: list[Sample], encoding: Encoding, options: TrainingOptions = OPTIONS
) -> Iterator[ClipBatch]:
    return training_batches(samples, SPEC, options, 0, EPOCH, stored=encoding.stored)


def epoch(samples: list[Sample], encoding: Encoding) -> list[torch.Tensor]:
    return [encoding.frames(batch.sounds) for batch in clips(samples, encoding)]


def decoded(sounds: SoundInputs) -> set[str]:
    """Return the conditions whose sound has been decoded."""
    return {name for name, sound in sounds.by_condition.items() if sound.waveform is not None}


def test_without_stored_features_the_encoders_are_called(method: Method, samples: list[Sample]) -> None:
    encoding = open_encoding(method)
    for batch in clips(samples, encoding):
        assert batch.pixels is not None
        pixels = SPEC.normalise(batch.pixels)
        assert torch.equal(encoding.frames(batch.sounds), method.encode_audio(waveforms(batch.sounds)))
        assert torch.equal(encoding.images(pixels).dense, method.encode_image(pixels).dense)


class TestSounds:
    def test_of_a_second_epoch_are_not_encoded_nor_decoded(
        self, samples: list[Sample], cached: Encoding, counter: Counter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = epoch(samples, cached)
        assert counter.sounds == 6  # fourteen clips, six tones
        monkeypatch.setattr("avprompt.data.inputs.read_audio", None)
        second = epoch(samples, cached)
        assert counter.sounds == 6
        assert all(map(torch.equal, first, second))

    def test_are_rounded_before_their_first_use(self, method: Method, cached: Encoding) -> None:
        sound = SPEC.sound(Audio(np.random.default_rng(0).normal(size=160).astype(np.float32), 1600))
        frames = method.encode_audio(sound.waveform[None])  # type: ignore[index]
        encoded = cached.frames([Sound(sound.waveform, key="ab")])
        assert encoded.dtype == torch.float32
        assert torch.equal(encoded, frames.half().float())
        assert not torch.equal(encoded, frames)

    def test_keep_their_order_among_hits(
        self, samples: list[Sample], method: Method, cached: Encoding, counter: Counter
    ) -> None:
        stored = cached.stored.audio
        cached.frames([SPEC.sound(samples[k].audio, stored) for k in (1, 4)])
        counter.sounds = 0
        mixed = cached.frames([SPEC.sound(samples[k].audio, stored) for k in range(6)])
        assert counter.sounds == 4
        plain = open_encoding(method).frames([SPEC.sound(samples[k].audio) for k in range(6)])
        assert torch.equal(mixed, plain.half().float())

    def test_too_large_for_half_precision_are_kept_in_single(self, bench: Bench, tmp_path: Path) -> None:
        loud = open_encoding(
            bench.method("souple", "audio_encoder.gain=1e6"), "audio", folder=tmp_path / "features"
        )
        samples = Tiny().split("train").samples
        first = loud.frames([SPEC.sound(samples[0].audio, loud.stored.audio)])
        second = loud.frames([SPEC.sound(samples[0].audio, loud.stored.audio)])
        assert float(first.max()) > 65504
        assert torch.equal(first, second)

    def test_of_other_weights_options_or_precision_are_others(
        self, bench: Bench, samples: list[Sample], cached: Encoding, counter: Counter, tmp_path: Path
    ) -> None:
        epoch(samples, cached)
        for precision, override in (("bf16", ()), ("no", ("audio_encoder.gain=2",))):
            other = open_encoding(
                bench.method("souple", *override), "audio", precision=precision, folder=tmp_path / "features"
            )
            assert SPEC.sound(samples[0].audio, other.stored.audio).frames is None
        same = open_encoding(bench.method("souple", seed=7), "audio", folder=tmp_path / "features")
        assert SPEC.sound(samples[0].audio, same.stored.audio).frames is not None

    def test_of_several_lengths_reach_the_encoder_as_they_are(self, method: Method) -> None:
        ear = method.audio_encoder
        whole = TinyEar.forward

        def repeated(waveform: torch.Tensor) -> torch.Tensor:
            return whole(ear, waveform.repeat(1, 4)[:, :160])  # type: ignore[arg-type]

        ear.forward = repeated  # type: ignore[method-assign]
        bare, random = replace(SPEC, pad=False), np.random.default_rng(0)
        recordings = [Audio(random.normal(size=size).astype(np.float32), 1600) for size in (160, 40, 160, 80)]
        frames = Encoding(method).frames([bare.sound(recording) for recording in recordings])
        for recording, heard in zip(recordings, frames, strict=True):
            samples = torch.from_numpy(recording.samples)
            torch.testing.assert_close(heard, repeated(samples[None])[0].detach())

    def test_without_a_key_are_not_confused(self, cached: Encoding) -> None:
        sounds = [Sound(SPEC.waveform(sample.audio)) for sample in Tiny().split("test").samples[:3]]
        alone = [cached.frames([sound])[0] for sound in sounds]
        assert torch.equal(cached.frames(sounds), torch.stack(alone))
        assert cached.stored.audio is not None
        assert cached.stored.audio.store.usage()[0].entries == 0


class TestImages:
    def test_of_fixed_size_are_encoded_once(
        self, samples: list[Sample], cached: Encoding, counter: Counter
    ) -> None:
        def features() -> list[torch.Tensor]:
            tensors = []
            for batch in clips(samples, cached):
                assert batch.pixels is not None
                image = cached.images(SPEC.normalise(batch.pixels), batch.image_keys)
                tensors += [image.pooled, image.dense, *image.hidden]
            return tensors

        first = features()
        assert counter.images == len(samples)
        second = features()
        assert counter.images == len(samples)
        assert all(map(torch.equal, first, second))

    def test_cut_out_at_random_have_no_keys(self, samples: list[Sample], cached: Encoding) -> None:
        cropped = TrainingOptions(batch_size=4, crop=1.5)
        assert all(batch.image_keys == () for batch in clips(samples, cached, cropped))
        mirrored = TrainingOptions(batch_size=4, crop=1, flip=True)
        assert all(len(batch.image_keys) == len(batch.ids) for batch in clips(samples, cached, mirrored))

    def test_agree_with_the_encoder(self, samples: list[Sample], method: Method, cached: Encoding) -> None:
        batch = next(clips(samples, cached))
        assert batch.pixels is not None
        pixels = SPEC.normalise(batch.pixels)
        image, plain = cached.images(pixels, batch.image_keys), method.encode_image(pixels)
        for rounded, exact in zip((image.pooled, *image.hidden), (plain.pooled, *plain.hidden), strict=True):
            torch.testing.assert_close(rounded, exact, rtol=1e-3, atol=1e-4)
            assert rounded.shape == exact.shape


class TestEvaluation:
    def test_readers_ask_what_is_stored(self, cached: Encoding, counter: Counter) -> None:
        samples = list(Tiny().split("test").samples)

        def encode() -> None:
            for items in evaluation_items(samples, SoundReader(SPEC, cached.stored.audio), 4):
                cached.frames([sound for _, sounds in items for sound in sounds.by_condition.values()])
            for items in evaluation_items(samples, ImageReader(SPEC, cached.stored.images is not None), 4):
                images = [image for _, image in items]
                cached.images(
                    torch.stack([image.pixels for image in images]), [image.key for image in images]
                )

        encode()
        seen = (counter.sounds, counter.images)
        assert seen[1] == len(samples)
        encode()
        assert (counter.sounds, counter.images) == seen

    def test_a_hit_has_no_waveform(self, cached: Encoding) -> None:
        sample = Tiny().split("test").samples[0]
        read = SoundReader(SPEC, cached.stored.audio)
        first = read(sample, 0, 0)
        assert decoded(first) == {"true", "distractor"}
        cached.frames([first.by_condition["true"]])
        assert decoded(read(sample, 0, 0)) == {"distractor"}


def test_workers_ask_what_is_stored_too(samples: list[Sample], cached: Encoding, counter: Counter) -> None:
    epoch(samples, cached)
    counted = counter.sounds
    assert pickle.loads(pickle.dumps(cached.stored)) == cached.stored
    options = TrainingOptions(batch_size=4, flip=False, crop=1, workers=2)
    for batch in clips(samples, cached, options):
        assert all(sound.waveform is None for sound in batch.sounds)
        cached.frames(batch.sounds)
    assert counter.sounds == counted
