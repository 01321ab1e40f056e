"""The Meta-net of learned queries that attend to the patches of the image."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from avprompt.records import ImageFeatures
from avprompt.testing import StandInBackbone
from avprompt_souple.attention import AttentionOptions, AttentionPrompt
from avprompt_souple.prompt import MetaNetOptions, MetaNetPrompt


class PublishedWidths(StandInBackbone):
    joint_width, text_width = 512, 512


@pytest.fixture
def image() -> ImageFeatures:
    return StandInBackbone().encode_image(torch.randn(4, 3, 32, 32))


def prompt(**options: object) -> AttentionPrompt:
    """A prompt with heads of two units, which starts anywhere unless something else is asked for."""
    table = {"initialise": "random", "reduction": 4, **options}
    return AttentionPrompt(AttentionOptions(**table), StandInBackbone())


def with_dense(image: ImageFeatures, dense: Tensor) -> ImageFeatures:
    return ImageFeatures(image.pooled, image.hidden, dense)


@pytest.mark.parametrize("tokens", [4, 8, 16])
def test_is_as_large_as_souples_within_a_tenth_at_the_published_size(tokens: int) -> None:
    prompts = (
        AttentionPrompt(AttentionOptions(context_tokens=tokens), PublishedWidths()),
        MetaNetPrompt(MetaNetOptions(context_tokens=tokens), PublishedWidths()),
    )
    attention, metanet = (sum(p.numel() for p in prompt.parameters()) for prompt in prompts)
    assert attention == pytest.approx(metanet, rel=0.1)


@torch.no_grad()
@pytest.mark.parametrize("normalise", [True, False])
def test_is_what_plain_loops_say(image: ImageFeatures, normalise: bool) -> None:
    attention = prompt(context_tokens=3, heads=2, normalise=normalise)
    context = attention.context(image)
    assert context.shape == (4, 3, 8)
    _, _, head = attention.queries.shape
    assert head == 2
    for b, m in ((0, 0), (3, 2)):
        patches = [image.dense[b, :, y, x] for y in range(4) for x in range(4)]
        if normalise:
            patches = [(p - p.mean()) / (p.var(correction=0) + 1e-5).sqrt() for p in patches]
        gathered = []
        for h in range(2):
            units = slice(h * head, (h + 1) * head)
            keys = [attention.keys(patch)[units] for patch in patches]
            weights = [math.exp(float(attention.queries[h, m] @ key) / head**0.5) for key in keys]
            values = [attention.values(patch)[units] for patch in patches]
            gathered.append(sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights))
        expected = attention.expand(F.gelu(torch.cat(gathered)))[8 * m : 8 * (m + 1)]
        torch.testing.assert_close(context[b, m], expected)


def test_does_not_ask_where_a_patch_is(image: ImageFeatures) -> None:
    attention = prompt()
    order = torch.randperm(16)
    shuffled = image.dense.flatten(2)[..., order].reshape_as(image.dense)
    torch.testing.assert_close(attention.context(with_dense(image, shuffled)), attention.context(image))


def test_sees_what_a_patch_holds(image: ImageFeatures) -> None:
    attention, changed = prompt(), image.dense.clone()
    changed[:, :, 1, 2] = -changed[:, :, 1, 2]
    context, other = attention.context(image), attention.context(with_dense(image, changed))
    assert (context - other).abs().amin((0, 2)).min() > 0


def test_takes_any_grid(image: ImageFeatures) -> None:
    assert prompt().context(with_dense(image, image.dense[:, :, :2, :3])).shape == (4, 4, 8)


def test_a_token_depends_on_its_own_query_alone(image: ImageFeatures) -> None:
    attention = prompt(context_tokens=3)
    for m in range(3):
        token = attention.context(image)[:, m]
        (gradient,) = torch.autograd.grad(token.square().sum(), attention.queries)
        assert (gradient[:, m] != 0).all(), "every head of it"
        others = [other for other in range(3) if other != m]
        assert (gradient[:, others] == 0).all()


def test_scale_of_the_features_does_not_matter_when_normalised(image: ImageFeatures) -> None:
    doubled = with_dense(image, 2 * image.dense)
    for normalise, same in ((True, True), (False, False)):
        attention = prompt(normalise=normalise)
        close = torch.allclose(attention.context(image), attention.context(doubled), atol=1e-3)
        assert close is same


@pytest.mark.parametrize("tokens", [4, 8, 16])
def test_starts_at_the_words(image: ImageFeatures, tokens: int) -> None:
    context = prompt(initialise="words", context_tokens=tokens).context(image)
    words = StandInBackbone().embed_text("a photo of a").repeat(tokens // 4, 1)
    torch.testing.assert_close(context, words.expand(4, -1, -1), atol=0.02, rtol=0)
    assert not torch.equal(context[0], context[1]), "every image makes its own context"


def test_starts_anywhere_when_random(image: ImageFeatures) -> None:
    assert (prompt().context(image) - StandInBackbone().embed_text("a photo of a")).abs().mean() > 0.3


def test_initialisation_changes_no_count() -> None:
    counts = {sum(p.numel() for p in prompt(initialise=how).parameters()) for how in ("words", "random")}
    assert len(counts) == 1
