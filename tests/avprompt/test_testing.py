"""The contract checks catch parts that break their promises; good parts pass in tests/plugins."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.config.options import LossOptions, Options, PromptOptions, TrainedOptions
from avprompt.model.context_prompt import ContextPrompt
from avprompt.model.grounding import Grounding, resize_maps
from avprompt.model.parts import (
    AlignmentLoss,
    AudioEncoder,
    AudioProjection,
    Decoder,
)
from avprompt.records import ImageFeatures, Prompt
from avprompt.testing import (
    StandInBackbone,
    StandInMasker,
    check_audio_encoder,
    check_backbone,
    check_decoder,
    check_loss,
    check_masker,
    check_projection,
    check_prompt_generator,
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
            vision_width = 99

        with pytest.raises(AssertionError, match=r"hidden: expected \(2, 17, 99\), got \(2, 17, 16\)"):
            check_backbone(Wide())

    def test_that_pools_two_ways(self) -> None:
        class Fickle(StandInBackbone):
            def encode_image(self, pixels: Tensor) -> ImageFeatures:
                features = super().encode_image(pixels)
                return ImageFeatures(2 * features.pooled, features.hidden, features.dense)

        with pytest.raises(AssertionError, match=r"not close"):
            check_backbone(Fickle())


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

    def test_that_divides_by_the_loudness(self) -> None:
        class Dividing(self.Ear):  # type: ignore[name-defined, misc]
            def forward(self, waveform: Tensor) -> Tensor:
                return super().forward(waveform / waveform.std(1, keepdim=True))

        with pytest.raises(AssertionError, match=r"silence must give finite frames"):
            check_audio_encoder(Dividing(Options()))


class TestProjection:
    def test_without_an_axis_of_tokens(self) -> None:
        class Flat(AudioProjection):
            def forward(self, frames: Tensor) -> Tensor:
                return frames.mean(1)

        with pytest.raises(AssertionError, match=r"must return \(B, K, E\), got \(2, 4\)"):
            check_projection(Flat(TrainedOptions(), 4, 4))

    def test_with_an_idle_parameter(self) -> None:
        class Idle(AudioProjection):
            def __init__(self, *given: Any) -> None:
                super().__init__(*given)
                self.forgotten = nn.Parameter(torch.zeros(3))
                self.used = nn.Parameter(torch.ones(4))

            def forward(self, frames: Tensor) -> Tensor:
                return frames.mean(1, keepdim=True) * self.used

        with pytest.raises(AssertionError, match=r"'forgotten' gets no gradient"):
            check_projection(Idle(TrainedOptions(), 4, 4))


class TestPromptGenerator:
    class Words(ContextPrompt):
        def context(self, image: ImageFeatures) -> Tensor:
            return image.pooled[:, None, :8]

    def test_whose_pairs_are_in_another_order(self) -> None:
        class AudioMajor(self.Words):  # type: ignore[name-defined, misc]
            def pairs(self, audio_tokens: Tensor, image: ImageFeatures) -> Prompt:
                made = super().pairs(audio_tokens, image)
                turned = made.embeddings.unflatten(0, (len(image), -1)).transpose(0, 1).flatten(0, 1)
                return Prompt(turned, made.read_at)

        backbone = StandInBackbone()
        check_prompt_generator(self.Words(PromptOptions(), backbone), backbone)
        with pytest.raises(AssertionError, match=r"not close"):
            check_prompt_generator(AudioMajor(PromptOptions(), backbone), backbone)

    def test_that_reads_beyond_the_end(self) -> None:
        class Beyond(self.Words):  # type: ignore[name-defined, misc]
            def _arrange(self, context: Tensor, audio_tokens: Tensor) -> Prompt:
                return Prompt(super()._arrange(context, audio_tokens).embeddings, read_at=77)

        backbone = StandInBackbone()
        with pytest.raises(AssertionError, match=r"read_at must lie inside the sequence"):
            check_prompt_generator(Beyond(PromptOptions(), backbone), backbone)


class TestDecoder:
    class Cosine(Decoder):
        def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
            texts = (text if pairs else text[:, None]).expand(len(image), -1, -1)
            logits = torch.einsum("ijd,idhw->ijhw", texts, image.dense)
            return logits if pairs else logits[:, 0]

    def test_good(self) -> None:
        check_decoder(self.Cosine(TrainedOptions()), StandInBackbone())

    def test_that_normalises_over_the_pairs(self) -> None:
        class Normalising(self.Cosine):  # type: ignore[name-defined, misc]
            def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
                logits = super().forward(image, text, pairs=pairs)
                return logits.softmax(1) if pairs else logits

        with pytest.raises(AssertionError, match=r"not close"):
            check_decoder(Normalising(TrainedOptions()), StandInBackbone())


class TestMasker:
    def test_whose_hard_masks_are_soft(self) -> None:
        class Soft(StandInMasker):
            def hard(self, logits: Tensor, noise: Tensor) -> Tensor:
                return logits.sigmoid()

        with pytest.raises(AssertionError, match=r"a hard mask is 0 or 1"):
            check_masker(Soft())

    def test_whose_hard_masks_cut_the_gradient(self) -> None:
        class Cut(StandInMasker):
            def hard(self, logits: Tensor, noise: Tensor) -> Tensor:
                return super().hard(logits, noise).detach() + 0 * logits

        with pytest.raises(AssertionError, match=r"hard masks must let gradients reach the mask logits"):
            check_masker(Cut())

    def test_that_draws_again(self) -> None:
        class Drawing(StandInMasker):
            def hard(self, logits: Tensor, noise: Tensor) -> Tensor:
                return super().hard(logits + torch.randn_like(logits), noise)

        with pytest.raises(AssertionError, match=r"the same draws must give the same hard masks"):
            check_masker(Drawing())

    def test_that_leaves_the_range(self) -> None:
        class Raw(StandInMasker):
            def heatmap(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
                return resize_maps(logits, size, "bilinear")

        with pytest.raises(AssertionError, match=r"a heatmap lies in 0..1"):
            check_masker(Raw())

    def test_that_divides_by_the_range(self) -> None:
        class Dividing(StandInMasker):
            def feature(self, logits: Tensor, grid: tuple[int, int]) -> Tensor:
                low, high = logits.amin((-2, -1), keepdim=True), logits.amax((-2, -1), keepdim=True)
                return resize_maps((logits - low) / (high - low), grid, "nearest")

        with pytest.raises(AssertionError, match=r"a flat map must have a finite feature mask"):
            check_masker(Dividing())

    def test_with_an_idle_parameter(self) -> None:
        class Idle(StandInMasker):
            def __init__(self) -> None:
                super().__init__()
                self.forgotten = nn.Parameter(torch.zeros(()))

        with pytest.raises(AssertionError, match=r"'forgotten' gets no gradient"):
            check_masker(Idle())


class TestLoss:
    def test_in_another_precision(self) -> None:
        class Half(AlignmentLoss):
            def forward(self, grounding: Grounding) -> Tensor:
                return grounding.areas[0].bfloat16()

        with pytest.raises(AssertionError, match=r"float32"):
            check_loss(Half(LossOptions()))

    def test_that_is_not_a_scalar(self) -> None:
        class Several(AlignmentLoss):
            def forward(self, grounding: Grounding) -> Tensor:
                return F.relu(grounding.logits).mean((-2, -1))

        with pytest.raises(AssertionError, match=r"a loss: expected \(\), got \(3, 3\)"):
            check_loss(Several(LossOptions()))
