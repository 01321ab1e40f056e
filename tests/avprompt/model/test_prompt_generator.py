"""Prompt generators beyond one read of one sequence: tokens in both towers, places of each row, frames."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.config.options import LossOptions, PromptOptions, TrainedOptions
from avprompt.distributed import ALONE
from avprompt.errors import ConfigError, PluginError
from avprompt.features.encoding import open_encoding
from avprompt.model.grounding import Grounding
from avprompt.model.method import Method
from avprompt.model.outputs import text_features
from avprompt.model.parts import AlignmentLoss
from avprompt.model.prompt_generator import PromptGenerator, join_prompts
from avprompt.records import AudioFeatures, ImageFeatures, Prompt
from avprompt.testing import StandInAudioEncoder, StandInBackbone, StandInMasker, check_prompt_generator
from avprompt.testing.stand_in_method import StandInDecoder, StandInProjection

DEPTH, TOKENS = 3, 2


class Image(AlignmentLoss):
    """What the masks let through of the image, and what they lie on."""

    def forward(self, grounding: Grounding) -> Tensor:
        return grounding.logits.mean() + grounding.image_level.mean()


class Deep(PromptGenerator):
    """The audio token between tokens of its own, in every layer of both towers."""

    prompted_image_layers = prompted_text_layers = DEPTH

    def __init__(self, config: PromptOptions, backbone: StandInBackbone) -> None:
        super().__init__(config)
        self.text = nn.Parameter(torch.randn(DEPTH, TOKENS, backbone.text_width))
        self.images = nn.Parameter(torch.randn(DEPTH, TOKENS, backbone.vision_width))

    def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
        context = self.text[0].expand(len(audio), -1, -1)
        embeddings = torch.cat([audio.tokens, context, audio.tokens], dim=1)
        return Prompt(embeddings, embeddings.shape[1] - 1, tuple(self.text[1:, None]))

    def visual(self) -> tuple[Tensor, ...]:
        return tuple(self.images)


def method(
    generator: type[PromptGenerator], backbone: StandInBackbone | None = None, **options: Any
) -> Method:
    backbone, encoder = backbone or StandInBackbone(), StandInAudioEncoder()
    return Method(
        backbone,
        encoder,
        StandInProjection(TrainedOptions(), encoder, backbone),
        generator(PromptOptions(**options), backbone),
        StandInDecoder(TrainedOptions()),
        StandInMasker(),
        {"image": Image(LossOptions())},
    )


@pytest.fixture
def pixels() -> Tensor:
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def frames() -> Tensor:
    return torch.randn(3, 5, 6, generator=torch.Generator().manual_seed(1))


class TestTokensInTheTowers:
    def test_the_generator_keeps_its_promises(self) -> None:
        backbone = StandInBackbone()
        check_prompt_generator(Deep(PromptOptions(), backbone), backbone)

    def test_every_token_of_every_layer_is_trained(self, pixels: Tensor, frames: Tensor) -> None:
        built = method(Deep)
        grounding = built(pixels, None, frames, torch.rand_like, ALONE.rows(3))
        built.loss_terms(grounding)["total"].backward()
        for tokens in (built.prompt.text, built.prompt.images):
            assert tokens.grad is not None
            assert (tokens.grad != 0).all()
        assert all(parameter.grad is None for parameter in built.backbone.parameters())

    def test_images_are_encoded_with_them_and_without(self, pixels: Tensor) -> None:
        built = method(Deep)
        prompted, plain = built.encode_image(pixels), built.encode_plain_image(pixels)
        assert not torch.allclose(prompted.dense, plain.dense)
        torch.testing.assert_close(plain.dense, built.backbone.encode_image(pixels).dense)
        assert prompted.dense.shape == plain.dense.shape
        assert [layer.shape for layer in prompted.hidden] == [layer.shape for layer in plain.hidden]
        torch.testing.assert_close(prompted.pooled, built.backbone.pool_image(pixels, built.prompt.visual()))

    @pytest.mark.parametrize("cache", ["images", "all"])
    def test_such_images_are_not_kept_on_disk(self, cache: str) -> None:
        with pytest.raises(ConfigError, match=rf"--cache {cache} would keep .* Deep in .* Use --cache audio"):
            open_encoding(method(Deep), cache)

    @pytest.mark.parametrize("tower", ["image", "text"])
    def test_a_backbone_that_takes_fewer_layers(self, tower: str) -> None:
        class Shallow(StandInBackbone):
            prompted_image_layers = 3 if tower == "text" else 1
            prompted_text_layers = 3 if tower == "image" else 1

        with pytest.raises(ConfigError, match=rf"into 3 layers of the {tower} tower\. The .* in 1 at most"):
            method(Deep, Shallow())

    def test_tokens_that_are_not_as_promised(self, pixels: Tensor, frames: Tensor) -> None:
        class Fewer(Deep):
            def visual(self) -> tuple[Tensor, ...]:
                return tuple(self.images[:1])

        class NoText(Deep):
            def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
                return Prompt(audio.tokens, 0)

        class Nothing(Deep):
            def visual(self) -> Any:
                return (None,) * 3

        with pytest.raises(PluginError, match=r"visual must return .* each of 3 layers"):
            method(Fewer).encode_image(pixels)
        with pytest.raises(PluginError, match=r"visual must return \(M, C\) = \(M, 12\), but returned None"):
            method(Nothing).encode_image(pixels)
        built = method(NoText)
        with pytest.raises(PluginError, match=r"deep_text for 2 layers behind the first"):
            built.read(built.listen(frames), built.encode_image(pixels))


class TestPlaces:
    def test_each_row_is_read_at_its_own(self) -> None:
        class Shortening(Deep):
            prompted_image_layers, prompted_text_layers = 0, 1

            def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
                read_at = torch.arange(len(audio)) % 3
                return Prompt(audio.tokens.repeat(1, 3, 1), read_at)

        backbone = StandInBackbone()
        generator, image = (
            Shortening(PromptOptions(), backbone),
            backbone.encode_image(torch.randn(3, 3, 32, 32)),
        )
        audio = AudioFeatures(torch.randn(3, 1, 8))
        together = text_features(backbone, generator(audio, image), generator)
        for row, tokens in enumerate(audio.tokens):
            alone = backbone.encode_prompt(Prompt(tokens.repeat(1, 3, 1), row))[0]
            torch.testing.assert_close(together[row], alone)

    def test_joined_prompts(self) -> None:
        one, three = torch.randn(1, 4, 8), torch.randn(3, 4, 8)
        deep = torch.randn(1, 2, 8)
        joined = join_prompts([Prompt(one, 3, (deep,)), Prompt(three, torch.tensor([1, 2, 3]), (2 * deep,))])
        assert torch.equal(joined.embeddings, torch.cat([one, three]))
        assert torch.equal(torch.as_tensor(joined.read_at), torch.tensor([3, 1, 2, 3]))
        assert torch.equal(joined.deep_text[0], torch.cat([deep, *[2 * deep] * 3]))
        assert join_prompts([Prompt(one, 3), Prompt(three, 3)]).read_at == 3

    @pytest.mark.parametrize(
        "read_at",
        [4, -1, torch.zeros(2, dtype=torch.long), torch.zeros(3), torch.tensor([0, 4, 1]), None],
    )
    def test_a_place_that_is_none(self, read_at: Any, pixels: Tensor, frames: Tensor) -> None:
        class Elsewhere(Deep):
            prompted_image_layers, prompted_text_layers = 0, 1

            def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
                return Prompt(audio.tokens.repeat(1, 4, 1), read_at)

        built = method(Elsewhere)
        with pytest.raises(PluginError, match=r"forward must return a read_at"):
            built.read(built.listen(frames), built.encode_image(pixels))


class TestCounts:
    @pytest.mark.parametrize(
        ("rows", "readings", "promised"),
        [
            (1, 1, r"forward must return a prompt for each of 3, but returned 1"),
            (6, 1, r"forward must return a prompt for each of 3, but returned 6"),
            (4, 3, r"readings that divide its 4 rows, but returned 3"),
            (3, 0, r"readings that divide its 3 rows, but returned 0"),
        ],
    )
    def test_too_few_or_many(
        self, rows: int, readings: int, promised: str, pixels: Tensor, frames: Tensor
    ) -> None:
        class Counting(Deep):
            prompted_image_layers, prompted_text_layers = 0, 1

            def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
                return Prompt(torch.ones(rows, 3, 8), 1, readings=readings)

        built = method(Counting)
        image = built.encode_image(pixels)
        with pytest.raises(PluginError, match=promised):
            built.read(built.listen(frames), image)
        with pytest.raises(PluginError, match=promised):
            built(pixels, image, frames, torch.rand_like, ALONE.rows(3))

    def test_deep_tokens_that_reach_beyond_the_sequence(self, pixels: Tensor, frames: Tensor) -> None:
        class Long(Deep):
            prompted_image_layers = 0

            def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
                return Prompt(audio.tokens.repeat(1, 3, 1), 2, tuple(self.text[1:, None]))

        built = method(Long)
        with pytest.raises(PluginError, match=r"fits between the first and the last of 3 tokens"):
            built.read(built.listen(frames), built.encode_image(pixels))


class Framed(Deep):
    """The loudest frame beside the audio token."""

    sees_frames = True
    prompted_image_layers, prompted_text_layers = 0, 1

    def forward(self, audio: AudioFeatures, image: ImageFeatures) -> Prompt:
        assert audio.frames is not None
        loudest = F.pad(audio.frames.amax(1, keepdim=True), (0, 2))
        return Prompt(torch.cat([self.text[0].expand(len(audio), -1, -1), loudest, audio.tokens], 1), 3)


def test_padding_goes_to_who_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StandInProjection, "pads_tokens", True)
    with pytest.raises(ConfigError, match=r"Projection .* fills up short rows .* Deep .* would read that"):
        method(Deep)
    monkeypatch.setattr(Deep, "takes_padding", True)
    method(Deep)


def test_who_tells_a_context_must_take_one(frames: Tensor) -> None:
    built = method(Deep)
    assert built.prompt.image_context(built.encode_image(torch.zeros(1, 3, 32, 32))) is None
    with pytest.raises(PluginError, match=r"Deep .* has an image_context and no with_context"):
        built.read_with(built.listen(frames), torch.zeros(1, TOKENS, built.backbone.text_width))


class TestFrames:
    def test_only_who_asks_is_given_them(self, frames: Tensor) -> None:
        assert method(Deep).listen(frames).frames is None
        assert method(Framed).listen(frames).frames is frames

    @pytest.mark.parametrize("pairing", ["own", "cross"])
    def test_a_pair_has_its_own(self, pairing: str, pixels: Tensor, frames: Tensor) -> None:
        built = method(Framed, pairing=pairing)
        image = built.encode_image(pixels)
        text = built(pixels, image, frames, torch.rand_like, ALONE.rows(3)).text
        torch.testing.assert_close(text[2, 1], built.read(built.listen(frames[[1]]), image[[2]])[0])

    def test_rows_are_selected_together(self, frames: Tensor) -> None:
        audio = method(Framed).listen(frames)
        assert len(audio[[2, 0]]) == 2
        assert torch.equal(audio[[2, 0]].frames, frames[[2, 0]])  # type: ignore[arg-type]
        assert torch.equal(audio[[2, 0]].tokens, audio.tokens[[2, 0]])
