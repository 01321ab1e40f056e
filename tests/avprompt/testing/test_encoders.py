"""The checks of encoders catch those that break their promises; good ones pass in tests/plugins."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from avprompt.config.options import Options
from avprompt.model.parts import AudioEncoder
from avprompt.records import ImageFeatures
from avprompt.testing import (
    StandInBackbone,
    StandInMasker,
    check_audio_encoder,
    check_backbone,
    check_masker,
)
from tinyworld.encoders import EarOptions, TinyClip, TinyEar


def test_the_stand_ins_keep_their_own_contracts() -> None:
    check_backbone(StandInBackbone())
    check_masker(StandInMasker())


def test_encoders_of_the_tiny_world_keep_theirs() -> None:
    clip, ear = TinyClip(Options()), TinyEar(EarOptions())
    clip.load_weights()
    ear.load_weights()
    check_backbone(clip, "a photo of red")
    check_audio_encoder(ear)


class TestBackbone:
    def test_whose_pooling_cuts_the_gradient(self) -> None:
        class Cut(StandInBackbone):
            def pool_image(self, pixels: Tensor) -> Tensor:
                return super().pool_image(pixels.detach()) + 0 * pixels.sum()

        with pytest.raises(AssertionError, match=r"gradients reach the pixels"):
            check_backbone(Cut())

    def test_that_says_a_wrong_width(self) -> None:
        class Wide(StandInBackbone):
            def __init__(self) -> None:
                super().__init__()
                self.vision_width = 99

        with pytest.raises(
            AssertionError, match=r"hidden must .* = \(2, 17, 99\), but returned \(2, 17, 12\)"
        ):
            check_backbone(Wide())

    def test_that_pools_two_ways(self) -> None:
        class Fickle(StandInBackbone):
            def encode_image(self, pixels: Tensor) -> ImageFeatures:
                features = super().encode_image(pixels)
                return ImageFeatures(2 * features.pooled, features.hidden, features.dense)

        with pytest.raises(AssertionError, match=r"not close"):
            check_backbone(Fickle())

    @pytest.mark.parametrize(
        ("method", "message"),
        [
            ("encode_image", r"encode_image must return finite features"),
            ("encode_prompt", r"encode_prompt must return finite text features"),
        ],
    )
    def test_that_returns_no_numbers(
        self, method: str, message: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backbone = StandInBackbone()
        getattr(backbone, "look" if method == "encode_image" else "read")[0, 0] = torch.nan
        with pytest.raises(AssertionError, match=message):
            check_backbone(backbone)


class TestAudioEncoder:
    class Ear(AudioEncoder):
        sample_rate, width = 100, 4

        def forward(self, waveform: Tensor) -> Tensor:
            return waveform.unfold(1, 4, 4)

    def test_good(self) -> None:
        check_audio_encoder(self.Ear(Options()))

    def test_that_mixes_the_batch(self) -> None:
        class Mixing(self.Ear):  # type: ignore[name-defined, misc]
            def forward(self, waveform: Tensor) -> Tensor:
                return super().forward(waveform - waveform.mean(0))

        with pytest.raises(AssertionError, match=r"not close"):
            check_audio_encoder(Mixing(Options()))

    def test_that_promises_to_pad_short_sounds(self) -> None:
        class Short(self.Ear):  # type: ignore[name-defined, misc]
            pads_short_sounds = True

        with pytest.raises(AssertionError, match=r"frames of a short sound, as pads_short_sounds promises"):
            check_audio_encoder(Short(Options()))

    def test_that_returns_no_numbers(self) -> None:
        class Dividing(self.Ear):  # type: ignore[name-defined, misc]
            def forward(self, waveform: Tensor) -> Tensor:
                return super().forward(waveform) / 0

        with pytest.raises(AssertionError, match=r"an audio encoder must return finite frames"):
            check_audio_encoder(Dividing(Options()))

    def test_that_divides_by_the_loudness(self) -> None:
        class Dividing(self.Ear):  # type: ignore[name-defined, misc]
            def forward(self, waveform: Tensor) -> Tensor:
                return super().forward(waveform / waveform.std(1, keepdim=True))

        with pytest.raises(AssertionError, match=r"silence must give finite frames"):
            check_audio_encoder(Dividing(Options()))

    @pytest.mark.parametrize(
        ("output", "message"),
        [
            (None, r"must return \(B, L, W\) = \(2, L, 4\), but returned None: is a `return` missing\?"),
            ((torch.zeros(2, 3, 4),), r"= \(2, L, 4\), but returned a tuple"),
            (torch.zeros(2, 4), r"= \(2, L, 4\), but returned \(2, 4\)"),
        ],
    )
    def test_that_returns_something_else(self, output: Any, message: str) -> None:
        class Silent(self.Ear):  # type: ignore[name-defined, misc]
            def forward(self, waveform: Tensor) -> Any:
                return output

        with pytest.raises(AssertionError, match=message):
            check_audio_encoder(Silent(Options()))

    def test_that_says_no_width(self) -> None:
        class Unsaid(AudioEncoder):
            sample_rate = 100

            def forward(self, waveform: Tensor) -> Tensor:
                return waveform[..., None]

        with pytest.raises(AssertionError, match=r"encoder Unsaid in test_encoders.py has no 'width'"):
            check_audio_encoder(Unsaid(Options()))

    def test_that_is_not_built(self) -> None:
        with pytest.raises(AssertionError, match=r"build the AudioEncoder first"):
            check_audio_encoder(self.Ear)  # type: ignore[arg-type]

    def test_that_is_none(self) -> None:
        with pytest.raises(AssertionError, match=r"must be a class that derives from AudioEncoder"):
            check_audio_encoder(torch.nn.Linear(1, 1))  # type: ignore[arg-type]
