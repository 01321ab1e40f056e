"""tag-words: the class that a tagger hears, read as its plain text would be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from avprompt.config.options import Options, TrainedOptions
from avprompt.errors import ConfigError
from avprompt.model.outputs import text_features
from avprompt.model.parts import AudioEncoder, Backbone
from avprompt.records import AudioFeatures, Prompt
from avprompt.testing import StandInAudioEncoder
from avprompt.testing.assertions import random_features
from avprompt_clip.clipseg import ClipSegBackbone, ClipSegOptions
from avprompt_mini.backbone import MiniBackbone
from avprompt_words.projection import ClassWordsProjection
from avprompt_words.prompt import ClassWordsOptions, ClassWordsPrompt

LABELS = ("circle", "striped square", "small dotted star")


class Tagger(AudioEncoder):
    """Hears the class whose channel is the largest."""

    sample_rate, width, labels = 100, 3, LABELS

    def forward(self, waveform: Tensor) -> Tensor:
        return waveform.unflatten(1, (-1, self.width))

    def tag(self, frames: Tensor) -> Tensor:
        return frames.mean(1)


@pytest.fixture(params=["mini", "clipseg_tiny"])
def backbone(request: pytest.FixtureRequest, golden_folder: Path) -> Backbone:
    backbone: Backbone = MiniBackbone()
    if request.param == "clipseg_tiny":
        checkpoint = str(golden_folder / "clipseg_tiny")
        backbone = ClipSegBackbone(ClipSegOptions(checkpoint=checkpoint, image_size=64))
    backbone.load_weights()
    backbone.freeze()
    return backbone


def plain(backbone: Backbone, text: str) -> Tensor:
    start, end = backbone.special_token_embeddings()
    words = torch.cat([start[None], backbone.embed_text(text), end[None]])
    return backbone.encode_prompt(Prompt(words[None], len(words) - 1))


def heard(backbone: Backbone, classes: list[int], position: str | int = "last") -> tuple[Prompt, Tensor]:
    frames = torch.eye(3)[classes][:, None].expand(-1, 4, -1)
    projection = ClassWordsProjection(TrainedOptions(), Tagger(Options()), backbone)
    generator = ClassWordsPrompt(ClassWordsOptions(audio_token=position), backbone)
    image = random_features(backbone, len(classes))
    prompt = generator(AudioFeatures(projection(frames)), image)
    return prompt, text_features(backbone, prompt, generator)


def test_the_text_feature_is_that_of_the_plain_text(backbone: Backbone) -> None:
    classes = [2, 0, 1, 0]
    _, text = heard(backbone, classes)
    expected = torch.cat([plain(backbone, f"a photo of a {LABELS[number]}") for number in classes])
    torch.testing.assert_close(text, expected, atol=1e-5, rtol=1e-4)


def test_each_label_is_read_at_its_own_end(backbone: Backbone) -> None:
    prompt, _ = heard(backbone, [0, 1, 2])
    lengths = [2 + len(backbone.embed_text(f"a photo of a {label}")) for label in LABELS]
    assert isinstance(prompt.read_at, Tensor)
    assert prompt.read_at.tolist() == [length - 1 for length in lengths]
    assert prompt.embeddings.shape[1] == max(lengths)


@pytest.mark.parametrize(("position", "text"), [("first", "circle a photo of a"), (2, "a photo circle of a")])
def test_a_short_label_leaves_no_gap_in_front_of_words(position: str | int, text: str) -> None:
    backbone = MiniBackbone()
    backbone.load_weights()
    _, found = heard(backbone, [0], position)
    torch.testing.assert_close(found, plain(backbone, text), atol=1e-5, rtol=1e-4)


def test_the_audio_encoder_is_not_counted_twice() -> None:
    encoder = StandInAudioEncoder()
    encoder.register_parameter("weight", torch.nn.Parameter(torch.zeros(3)))
    backbone = MiniBackbone()
    encoder.labels = LABELS
    projection = ClassWordsProjection(TrainedOptions(), encoder, backbone)
    assert list(projection.parameters()) == list(projection.children()) == []
    assert projection.state_dict() == {}


def test_an_encoder_without_labels_is_refused_by_name() -> None:
    encoder = Tagger(Options())
    encoder.labels = ()
    with pytest.raises(ConfigError, match=r"Tagger has no labels.*encoder set published or mini"):
        ClassWordsProjection(TrainedOptions(), encoder, MiniBackbone())


def test_labels_that_cannot_be_said_are_named() -> None:
    encoder = Tagger(Options())
    encoder.labels = ("circle", "dog", "Bee, wasp, etc.")
    with pytest.raises(ConfigError, match=r"2 of the 3 labels .* MiniBackbone: 'dog', 'Bee, wasp, etc.'\."):
        ClassWordsProjection(TrainedOptions(), encoder, MiniBackbone())
