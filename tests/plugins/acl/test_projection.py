"""ACL-SSL's projection: its size, and its attention written out."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from avprompt.testing import StandInAudioEncoder, StandInBackbone
from avprompt_acl.projection import FactorGraphOptions, FactorGraphProjection


def make(audio_width: int, text_width: int, **given: int) -> FactorGraphProjection:
    widths = StandInAudioEncoder(audio_width), StandInBackbone(text_width)
    return FactorGraphProjection(FactorGraphOptions(**given), *widths)


@pytest.fixture
def projection() -> FactorGraphProjection:
    torch.manual_seed(0)
    return make(6, 4)


def test_published_size() -> None:
    with torch.device("meta"):
        projection = FactorGraphProjection(
            FactorGraphOptions(), StandInAudioEncoder(2304), StandInBackbone(512)
        )
    assert sum(parameter.numel() for parameter in projection.parameters()) == 7_279_363


def test_attention_is_the_papers(projection: FactorGraphProjection) -> None:
    """Against the similarity matrix that the fast form never makes."""
    projection.eval()
    frames = torch.randn(2, 5, 6)
    tokens = projection.fc2(F.gelu(projection.fc1(frames)))  # (B, L, E)
    unary, pairwise = projection.fga.un_models[0], projection.fga.pp_models[0]
    channels = tokens.transpose(1, 2)
    alone = unary.feature_reduce(F.relu(unary.embed(channels))).squeeze(1)
    x, y = (F.normalize(embed(channels), dim=1) for embed in (pairwise.embed_X, pairwise.embed_Y))
    agreement = (x.transpose(1, 2) @ y).mean(-1)  # (B, L, L) over the other frames
    mix = projection.fga.reduce_potentials[0].weight.flatten()
    attention = (mix[0] * alone + mix[1] * agreement).softmax(-1)
    expected = (attention[..., None] * tokens).sum(1, keepdim=True)
    torch.testing.assert_close(projection(frames), expected)


def test_one_token_for_any_length(projection: FactorGraphProjection) -> None:
    assert projection(torch.randn(3, 1, 6)).shape == projection(torch.randn(3, 50, 6)).shape == (3, 1, 4)


def test_equal_frames_give_the_frame(projection: FactorGraphProjection) -> None:
    frame = torch.randn(1, 1, 6)
    torch.testing.assert_close(projection(frame.expand(1, 7, 6)), projection(frame))


def test_dropout_acts_in_training_only(projection: FactorGraphProjection) -> None:
    frames = torch.randn(1, 9, 6)
    assert not torch.equal(projection(frames), projection(frames))
    projection.eval()
    assert torch.equal(projection(frames), projection(frames))


def test_tokens_start_next_to_the_mean_of_the_words_and_differ() -> None:
    backbone = StandInBackbone(8)
    projection = FactorGraphProjection(
        FactorGraphOptions(start="an object"), StandInAudioEncoder(6), backbone
    )
    tokens = projection.eval()(torch.randn(3, 9, 6))[:, 0]
    word = backbone.embed_text("an object").mean(0)
    torch.testing.assert_close(tokens, word.expand(3, -1), atol=0.05, rtol=0)
    assert not torch.equal(tokens[0], tokens[1])
