from __future__ import annotations

import torch

from avprompt.records import AudioFeatures
from avprompt.testing import StandInBackbone
from avprompt_acl.prompt import FixedOptions, FixedPrompt


def test_words_then_the_audio_token() -> None:
    backbone = StandInBackbone()
    prompt = FixedPrompt(FixedOptions(), backbone)
    start, end = backbone.special_token_embeddings()
    token = torch.randn(1, 1, 8)
    image = backbone.encode_image(torch.zeros(1, 3, 32, 32))
    expected = torch.cat([start[None], backbone.embed_text("a photo of"), token[0], end[None]])
    torch.testing.assert_close(prompt(AudioFeatures(token), image).embeddings[0], expected)
    assert prompt(AudioFeatures(token), image).read_at == 5


def test_any_words() -> None:
    backbone = StandInBackbone()
    prompt = FixedPrompt(FixedOptions(words="hear the sound of a"), backbone)
    image = backbone.encode_image(torch.zeros(1, 3, 32, 32))
    torch.testing.assert_close(prompt.context(image)[0], backbone.embed_text("hear the sound of a"))


def test_nothing_to_learn_or_to_save() -> None:
    prompt = FixedPrompt(FixedOptions(), StandInBackbone())
    assert list(prompt.parameters()) == []
    assert prompt.state_dict() == {}
