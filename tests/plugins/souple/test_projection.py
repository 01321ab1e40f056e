"""SouPLe's projection."""

from __future__ import annotations

import pytest
import torch

from avprompt.testing import StandInAudioEncoder, StandInBackbone
from avprompt_souple.projection import BottleneckOptions, BottleneckProjection


def make(audio_width: int, text_width: int, **given: int) -> BottleneckProjection:
    widths = StandInAudioEncoder(audio_width), StandInBackbone(text_width)
    return BottleneckProjection(BottleneckOptions(**given), *widths)


def test_size_that_makes_the_papers_total() -> None:
    with torch.device("meta"):
        projection = BottleneckProjection(
            BottleneckOptions(), StandInAudioEncoder(2304), StandInBackbone(512)
        )
    assert sum(parameter.numel() for parameter in projection.parameters()) == 1_172_897


@pytest.mark.parametrize("tokens", [1, 3])
def test_hands_over_k_tokens(tokens: int) -> None:
    projection = BottleneckProjection(
        BottleneckOptions(tokens=tokens, hidden=5), StandInAudioEncoder(6), StandInBackbone(8)
    )
    assert projection(torch.randn(2, 9, 6)).shape == (2, tokens, 8)


def test_each_token_attends_by_itself() -> None:
    projection = BottleneckProjection(
        BottleneckOptions(tokens=2, hidden=5), StandInAudioEncoder(6), StandInBackbone(8)
    )
    first, second = projection(torch.randn(1, 9, 6))[0]
    assert not torch.allclose(first, second)


def test_pooling_is_an_average() -> None:
    projection = make(6, 8, hidden=5)
    frame = torch.randn(1, 1, 6)
    torch.testing.assert_close(projection(frame.expand(1, 9, 6)), projection(frame))
    frames = torch.randn(1, 9, 6)
    torch.testing.assert_close(projection(frames), projection(frames[:, torch.randperm(9)]))


def test_tokens_start_next_to_the_mean_of_the_words_and_differ() -> None:
    backbone = StandInBackbone(8)
    projection = BottleneckProjection(BottleneckOptions(start="an object"), StandInAudioEncoder(6), backbone)
    tokens = projection.eval()(torch.randn(3, 9, 6))[:, 0]
    word = backbone.embed_text("an object").mean(0)
    torch.testing.assert_close(tokens, word.expand(3, -1), atol=0.05, rtol=0)
    assert not torch.equal(tokens[0], tokens[1])
