"""Keys follow content, encoder, weights and precision, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from avprompt.config.options import Options
from avprompt.data.keys import image_key, sound_key
from avprompt.errors import DataError
from avprompt.features.keys import EncoderFeatures, describe, fingerprint
from avprompt.features.store import FeatureStore, compact
from avprompt.records import ArchiveMember, Audio
from tinyworld.encoders import EarOptions, TinyClip, TinyEar


def ear(gain: float = 1.0, weights: bool = True) -> TinyEar:
    encoder = TinyEar(EarOptions(gain=gain))
    if weights:
        encoder.load_weights()
    return encoder


class TestSounds:
    def test_are_known_by_what_their_file_holds(self, tmp_path: Path) -> None:
        (tmp_path / "a.wav").write_bytes(b"RIFF" + bytes(range(100)))
        (tmp_path / "b.flac").write_bytes(b"RIFF" + bytes(range(100)))
        (tmp_path / "c.wav").write_bytes(b"RIFF" + bytes(range(1, 101)))
        (tmp_path / "all.tar").write_bytes(b"header" + b"RIFF" + bytes(range(100)) + b"more")
        a, b, c = (sound_key(tmp_path / name, 16000, 3.0) for name in ("a.wav", "b.flac", "c.wav"))
        assert a == b == sound_key(ArchiveMember(tmp_path / "all.tar", "0.wav", 6, 104), 16000, 3)
        assert a != c

    def test_heard_otherwise_are_others(self) -> None:
        samples = np.linspace(-1, 1, 64, dtype=np.float32)
        keys = {
            sound_key(Audio(samples, 16000), 16000, 3),
            sound_key(Audio(samples, 16000), 16000, 10),
            sound_key(Audio(samples, 16000), 8000, 3),
            sound_key(Audio(samples, 8000), 16000, 3),
            sound_key(Audio(samples.reshape(2, 32), 16000), 16000, 3),
            sound_key(Audio(-samples, 16000), 16000, 3),
        }
        assert len(keys) == 6
        assert sound_key(Audio(samples.copy(), 16000), 16000, 3.0) in keys

    def test_that_are_not_there_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"gone\.wav does not exist"):
            sound_key(tmp_path / "gone.wav", 16000, 3)
        with pytest.raises(DataError, match=r"is not a file that can be read"):
            sound_key(tmp_path, 16000, 3)


def test_images_are_known_by_their_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    assert image_key(image) == image_key(image[:, ::-1][:, ::-1])
    assert len({image_key(image), image_key(image[:, ::-1]), image_key(image.reshape(6, 4, 3))}) == 3


class TestFingerprint:
    def test_is_the_same_for_the_same_encoder(self) -> None:
        assert fingerprint(ear(), precision="no") == fingerprint(ear(), precision="no")

    def test_follows_class_options_weights_and_precision(self) -> None:
        encoders = [ear(), ear(gain=2), ear(weights=False), TinyClip(Options())]
        fingerprints = {fingerprint(encoder, precision="no") for encoder in encoders}
        assert len(fingerprints | {fingerprint(ear(), precision="bf16")}) == 5

    def test_sees_a_single_bit_of_a_weight(self) -> None:
        other = ear()
        with torch.no_grad():
            other.tones[0, 0] = torch.nextafter(other.tones[0, 0], torch.tensor(1.0))
        assert fingerprint(ear(), precision="no") != fingerprint(other, precision="no")

    def test_hashes_weights_of_any_kind(self) -> None:
        encoder = ear()
        for name, dtype in (("a", torch.bfloat16), ("b", torch.bool), ("c", torch.int64)):
            encoder.register_buffer(name, torch.ones(3, 2).to(dtype).T)
        encoder.register_buffer("scalar", torch.tensor(1.0))
        assert fingerprint(encoder, precision="no") != fingerprint(ear(), precision="no")

    def test_can_be_put_in_words(self) -> None:
        assert describe(ear(gain=2), precision="no") == 'tinyworld.encoders.TinyEar in float32, {"gain":2.0}'
        assert " in bf16, " in describe(ear(), precision="bf16")


@pytest.mark.parametrize(("largest", "kept"), [(65504.0, torch.float16), (70000.0, torch.float32)])
def test_values_that_do_not_fit_half_precision_keep_single(largest: float, kept: torch.dtype) -> None:
    values = torch.tensor([0.1, largest])
    assert compact(values).dtype == kept
    assert float(compact(values)[1]) == largest
    assert torch.equal(compact(compact(values).float()), compact(values))


def test_features_that_are_not_finite_are_not_kept(tmp_path: Path) -> None:
    features = EncoderFeatures(FeatureStore(tmp_path, 10**6), "audio", "encoder")
    assert not features.put("a", {"frames": torch.tensor([1.0, float("nan")])})
    assert features.put("b", {"frames": torch.tensor([1.0, 2.0])})
    assert features.get("a") is None
    assert features.get("b") is not None
