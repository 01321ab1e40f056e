"""The checks of what is trained catch parts that break their promises; good ones pass in tests/plugins."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.config.options import LossOptions, PromptOptions, TrainedOptions
from avprompt.model.context_prompt import ContextPrompt
from avprompt.model.grounding import Grounding, resize_maps
from avprompt.model.parts import AlignmentLoss, AudioProjection, Decoder
from avprompt.model.prompt_generator import PromptGenerator
from avprompt.records import AudioFeatures, ImageFeatures, Prompt
from avprompt.testing import (
    StandInAudioEncoder,
    StandInBackbone,
    StandInMasker,
    check_decoder,
    check_loss,
    check_masker,
    check_projection,
    check_prompt_generator,
)


class TestProjection:
    def test_without_an_axis_of_tokens(self) -> None:
        class Flat(AudioProjection):
            def forward(self, frames: Tensor) -> Tensor:
                return frames.mean(1)

        with pytest.raises(AssertionError, match=r"\(B, K, E\) = \(2, K, 4\), but returned \(2, 4\)"):
            check_projection(Flat(TrainedOptions(), StandInAudioEncoder(4), StandInBackbone(4)))

    def test_that_returns_no_numbers(self) -> None:
        class Dividing(AudioProjection):
            def forward(self, frames: Tensor) -> Tensor:
                return frames[:, :1] * torch.nan

        with pytest.raises(AssertionError, match=r"a projection must return finite audio tokens"):
            check_projection(Dividing(TrainedOptions(), StandInAudioEncoder(4), StandInBackbone(4)))

    def test_with_an_idle_parameter(self) -> None:
        class Idle(AudioProjection):
            def __init__(self, *given: Any) -> None:
                super().__init__(*given)
                self.forgotten = nn.Parameter(torch.zeros(3))
                self.used = nn.Parameter(torch.ones(4))

            def forward(self, frames: Tensor) -> Tensor:
                return frames.mean(1, keepdim=True) * self.used

        with pytest.raises(AssertionError, match=r"'forgotten' gets no gradient"):
            check_projection(Idle(TrainedOptions(), StandInAudioEncoder(4), StandInBackbone(4)))


class TestPromptGenerator:
    class Words(ContextPrompt):
        def context(self, image: ImageFeatures) -> Tensor:
            return image.pooled[:, None, :8]

    def test_whose_pairs_are_in_another_order(self) -> None:
        class AudioMajor(self.Words):  # type: ignore[name-defined, misc]
            def pairs(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
                made = super().pairs(audio, image)
                turned = made.embeddings.unflatten(0, (len(image), -1)).transpose(0, 1).flatten(0, 1)
                return Prompt(turned, made.read_at)

        backbone = StandInBackbone()
        check_prompt_generator(self.Words(PromptOptions(), backbone), backbone)
        with pytest.raises(AssertionError, match=r"not close"):
            check_prompt_generator(AudioMajor(PromptOptions(), backbone), backbone)

    def test_that_looks_and_says_it_does_not(self) -> None:
        class Secret(self.Words):  # type: ignore[name-defined, misc]
            looks = False

        backbone = StandInBackbone()
        with pytest.raises(AssertionError, match="without `looks` a prompt must be the same for every image"):
            check_prompt_generator(Secret(PromptOptions(), backbone), backbone)

    def test_whose_context_is_not_that_of_its_prompts(self) -> None:
        class Twice(self.Words):  # type: ignore[name-defined, misc]
            def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
                return self.with_context(audio, 2 * self.context(image))

            def pairs(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
                return PromptGenerator.pairs(self, audio, image)

        backbone = StandInBackbone()
        with pytest.raises(AssertionError, match="with_context must make of an image's context the prompt"):
            check_prompt_generator(Twice(PromptOptions(), backbone), backbone)

    def test_that_reads_beyond_the_end(self) -> None:
        class Beyond(self.Words):  # type: ignore[name-defined, misc]
            def _arrange(self, context: Tensor, audio_tokens: Tensor) -> Prompt:
                return Prompt(super()._arrange(context, audio_tokens).embeddings, read_at=77)

        backbone = StandInBackbone()
        with pytest.raises(AssertionError, match=r"a read_at within its \d+ tokens, .* but returned 77"):
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

    def test_that_cuts_gradients(self) -> None:
        class Cutting(self.Cosine):  # type: ignore[name-defined, misc]
            def forward(self, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
                return super().forward(image, text.detach(), pairs=pairs)

        with pytest.raises(AssertionError, match=r"must let gradients reach the text features"):
            check_decoder(Cutting(TrainedOptions()), StandInBackbone())


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

        with pytest.raises(AssertionError, match=r"must return \(\), but returned \(3, 3\)"):
            check_loss(Several(LossOptions()))

    def test_that_hears_nothing(self) -> None:
        class Constant(AlignmentLoss):
            def forward(self, grounding: Grounding) -> Tensor:
                return torch.zeros(())

        with pytest.raises(AssertionError, match=r"a loss must have a gradient to the mask logits"):
            check_loss(Constant(LossOptions()))


def test_a_prompt_generator_without_its_context() -> None:
    class Unwritten(ContextPrompt):
        pass

    backbone = StandInBackbone()
    with pytest.raises(AssertionError, match=r"has no method 'context'. Write .* def context\(self, image\)"):
        check_prompt_generator(Unwritten(PromptOptions(), backbone), backbone)


def test_a_prompt_generator_that_returns_tokens() -> None:
    class Bare(TestPromptGenerator.Words):
        def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Any:
            return audio.tokens

    backbone = StandInBackbone()
    with pytest.raises(AssertionError, match=r"must return a record Prompt, but returned \(2, 1, 8\)"):
        check_prompt_generator(Bare(PromptOptions(), backbone), backbone)
