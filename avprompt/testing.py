"""Contract checks for the authors of plugins: does a part keep what its interface promises?

Each check builds the part, runs it on small random inputs and raises `AssertionError` with the promise that
is broken. `python -m pytest` users call them on their own classes; our tests call them on every registered
name. `StandInBackbone` and `StandInMasker` have the right shapes and no weights, so that nothing must be
downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avprompt.config.options import Options, TrainedOptions
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.media import read_audio, read_image
from avprompt.distributed import ALONE
from avprompt.errors import DataError
from avprompt.model.grounding import Grounding, resize_maps
from avprompt.model.parts import (
    AlignmentLoss,
    AudioEncoder,
    AudioProjection,
    Backbone,
    Decoder,
    Masker,
    PromptGenerator,
)
from avprompt.records import GroundTruth, ImageFeatures, Prompt

IMAGES, SOUNDS = 3, 2


class StandInBackbone(Backbone):
    """A backbone without weights: random but fixed maps of the right shapes, deterministic by word."""

    image_size, patch_size = 32, 8
    vision_width, joint_width, text_width, layers = 12, 16, 8, 3
    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    look: Tensor
    read: Tensor

    def __init__(self) -> None:
        super().__init__(Options())
        draw = torch.Generator().manual_seed(0)
        self.register_buffer("look", torch.randn(3, self.joint_width, generator=draw))
        self.register_buffer("read", torch.randn(self.text_width, self.joint_width, generator=draw))

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Average colours over patches and mix them."""
        patches = F.avg_pool2d(pixels, self.patch_size)  # (B, 3, h, w)
        dense = torch.einsum("bchw,cd->bdhw", patches, self.look)
        tokens = F.pad(dense.flatten(2).transpose(1, 2), (0, 0, 1, 0))[..., : self.vision_width]
        return ImageFeatures(self.pool_image(pixels), (tokens,) * self.layers, dense)

    def pool_image(self, pixels: Tensor) -> Tensor:
        """Mix the mean colour."""
        return pixels.mean((-2, -1)) @ self.look

    def embed_text(self, text: str) -> Tensor:
        """Draw an embedding for each word, the same for the same word."""
        return torch.stack([self._word(word) for word in text.split()])

    def special_token_embeddings(self) -> tuple[Tensor, Tensor]:
        """Draw `<sos>` and `<eos>`."""
        return self._word("<sos>"), self._word("<eos>")

    def encode_prompt(self, prompt: Prompt) -> Tensor:
        """Average the tokens up to the one read out, later ones weighing more, as order matters."""
        tokens = prompt.embeddings[:, : prompt.read_at + 1]
        weights = torch.arange(1, tokens.shape[1] + 1, dtype=tokens.dtype, device=tokens.device)
        return (tokens * weights[:, None]).mean(1) @ self.read

    def _word(self, word: str) -> Tensor:
        draw = torch.Generator().manual_seed(
            sum(ord(letter) * 31**k for k, letter in enumerate(word)) % 2**31
        )
        return torch.randn(self.text_width, generator=draw)


class StandInMasker(Masker):
    """A masker without parameters or draws: hard masks end where logits are 0, soft ones are sigmoids."""

    def __init__(self) -> None:
        super().__init__(TrainedOptions())

    def hard(self, logits: Tensor, noise: Tensor) -> Tensor:
        """Cut at 0, with the sigmoid's gradient."""
        del noise
        soft = logits.sigmoid()
        return (logits > 0).to(soft) + (soft - soft.detach())

    def feature(self, logits: Tensor, grid: tuple[int, int]) -> Tensor:
        """Resize, then take the sigmoid."""
        return resize_maps(logits, grid, "bilinear").sigmoid()

    def heatmap(self, logits: Tensor, size: tuple[int, int]) -> Tensor:
        """Resize, then take the sigmoid."""
        return resize_maps(logits, size, "bilinear").sigmoid()


def check_backbone(backbone: Backbone, words: str = "a photo of a") -> None:
    """Check shapes, gradients to the pixels, and that nothing trains."""
    backbone.freeze()
    side = backbone.image_size
    grid = side // backbone.patch_size
    pixels = torch.randn(2, 3, side, side, requires_grad=True)
    features = backbone.encode_image(pixels.detach())
    _same("pooled", features.pooled.shape, (2, backbone.joint_width))
    _same("dense", features.dense.shape, (2, backbone.joint_width, grid, grid))
    _same("number of extract layers", (len(features.hidden),), (backbone.layers,))
    for hidden in features.hidden:
        _same("hidden", hidden.shape, (2, grid * grid + 1, backbone.vision_width))
    pooled = backbone.pool_image(pixels)
    torch.testing.assert_close(pooled.detach(), features.pooled, atol=1e-4, rtol=1e-4)
    (gradient,) = torch.autograd.grad(pooled.sum(), pixels)
    assert gradient.abs().sum() > 0, "pool_image must let gradients reach the pixels"
    embedded = backbone.embed_text(words)
    assert embedded.ndim == 2, "embed_text must return (S, E)"
    _same("width of embed_text", embedded.shape[1:], (backbone.text_width,))
    start, end = backbone.special_token_embeddings()
    sequence = torch.cat([start[None], embedded, end[None]])[None].detach().requires_grad_()
    text = backbone.encode_prompt(Prompt(sequence, read_at=sequence.shape[1] - 1))
    _same("encode_prompt", text.shape, (1, backbone.joint_width))
    (gradient,) = torch.autograd.grad(text.sum(), sequence)
    assert gradient.abs().sum() > 0, "encode_prompt must let gradients reach the embeddings"
    assert not any(parameter.requires_grad for parameter in backbone.parameters()), "a backbone is frozen"


def check_audio_encoder(encoder: AudioEncoder, seconds: float = 2.0) -> None:
    """Check shapes, that silence is finite, and that each waveform is encoded by itself."""
    encoder.freeze()
    waveform = 0.1 * torch.randn(2, round(seconds * encoder.sample_rate))
    with torch.no_grad():
        frames = encoder(waveform)
        alone = encoder(waveform[1:])
        silent = encoder(torch.zeros_like(waveform))
    assert frames.ndim == 3, f"an audio encoder must return (B, L, W), got {tuple(frames.shape)}"
    _same("batch and width", (frames.shape[0], frames.shape[2]), (2, encoder.width))
    torch.testing.assert_close(frames[1:], alone, atol=1e-3, rtol=1e-3)
    assert torch.isfinite(silent).all(), "silence must give finite frames"


def check_projection(projection: AudioProjection) -> None:
    """Check shapes for short and long sounds, and that every parameter gets a gradient."""
    for length in (1, 7):
        tokens = projection(torch.randn(2, length, projection.audio_width))
        assert tokens.ndim == 3, f"a projection must return (B, K, E), got {tuple(tokens.shape)}"
        _same("batch and width", (tokens.shape[0], tokens.shape[2]), (2, projection.text_width))
    _all_train(projection, tokens)


def check_prompt_generator(prompt: PromptGenerator, backbone: Backbone, audio_tokens: int = 1) -> None:
    """Check the sequence, and that `pairs` says for every pair what a single prompt says."""
    image = _features(backbone, IMAGES)
    tokens = torch.randn(SOUNDS, audio_tokens, backbone.text_width)
    paired = prompt.pairs(tokens, image)
    singles = [prompt(tokens, image[[i] * SOUNDS]) for i in range(IMAGES)]
    expected = torch.cat([single.embeddings for single in singles])
    _same("width of a prompt", expected.shape[2:], (backbone.text_width,))
    assert 0 <= paired.read_at < expected.shape[1], "read_at must lie inside the sequence"
    torch.testing.assert_close(paired.embeddings, expected)
    assert paired.read_at == singles[0].read_at, "pairs must read the same token"
    _all_train(prompt, paired.embeddings)


def check_decoder(decoder: Decoder, backbone: Backbone) -> None:
    """Check shapes, and that pairs, shared or own texts, are decoded as single images are."""
    decoder.eval()
    image, text = _features(backbone, IMAGES), torch.randn(SOUNDS, backbone.joint_width)
    shared = decoder(image, text, pairs=True)
    own = decoder(image, text.expand(IMAGES, -1, -1), pairs=True)
    single = decoder(image[[1]], text[:1])
    assert single.ndim == 3, f"a decoder must return (B, h, w), got {tuple(single.shape)}"
    _same("pairs", shared.shape, (IMAGES, SOUNDS, *single.shape[1:]))
    torch.testing.assert_close(shared, own, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(shared[1, 0], single[0], atol=1e-5, rtol=1e-5)


def check_masker(masker: Masker) -> None:
    """Check shapes and ranges, that draws decide hard masks, and that every parameter gets a gradient."""
    logits = torch.randn(IMAGES, SOUNDS, 8, 8, requires_grad=True)
    noise = torch.rand_like(logits)
    hard, feature = masker.hard(logits, noise), masker.feature(logits, (4, 4))
    heatmap = masker.heatmap(logits[:, 0], (16, 12))
    _same("hard masks", hard.shape, logits.shape)
    _same("feature masks", feature.shape, (IMAGES, SOUNDS, 4, 4))
    _same("heatmaps", heatmap.shape, (IMAGES, 16, 12))
    assert ((hard == 0) | (hard == 1)).all(), "a hard mask is 0 or 1"
    for what, mask in {"a feature mask": feature, "a heatmap": heatmap}.items():
        assert ((mask >= 0) & (mask <= 1)).all(), f"{what} lies in 0..1"
    assert torch.equal(masker.hard(logits, noise), hard), "the same draws must give the same hard masks"
    for what, mask in {"hard masks": hard, "feature masks": feature}.items():
        (gradient,) = torch.autograd.grad(mask.sum(), logits, retain_graph=True)
        assert gradient.abs().sum() > 0, f"{what} must let gradients reach the mask logits"
        assert torch.isfinite(gradient).all(), f"{what} must have finite gradients to the mask logits"
    flat = masker.feature(torch.zeros(1, 8, 8), (4, 4))
    assert torch.isfinite(flat).all(), "a flat map must have a finite feature mask"
    _all_train(masker, torch.cat([hard.flatten(), feature.flatten()]))


def check_loss(loss: AlignmentLoss) -> None:
    """Check that a loss is a finite float32 scalar with a gradient to the mask logits."""
    backbone = StandInBackbone()
    pixels = torch.randn(IMAGES, 3, backbone.image_size, backbone.image_size)
    image = backbone.encode_image(pixels)
    logits = torch.randn(IMAGES, IMAGES, 8, 8, requires_grad=True)
    text = torch.randn(IMAGES, IMAGES, backbone.joint_width)
    clips, draw, rows = (pixels, image, text), torch.rand_like, ALONE.rows(IMAGES)
    grounding = Grounding(StandInMasker(), backbone.pool_image, *clips, logits, draw, rows)
    value = loss(grounding)
    _same("a loss", value.shape, ())
    assert value.dtype == torch.float32, "a loss is computed in float32"
    assert torch.isfinite(value), "a loss must be finite"
    (gradient,) = torch.autograd.grad(value, logits)
    assert torch.isfinite(gradient).all(), "a loss must have finite gradients to the mask logits"


def check_benchmark(adapter: BenchmarkAdapter) -> None:
    """Check that a benchmark states its rules, and that every split holds what it says.

    Give it a small data root in the official layout: up to 16 samples of each split are read.
    """
    for text in ("title", "citation", "licence", "source", "ground_truth", "coordinates", "broken_boxes"):
        assert getattr(adapter, text), f"a benchmark must state its {text}"
    assert adapter.protocols, "a benchmark must name the protocols that apply"
    for printed in adapter.published:
        assert all(0 <= value <= 100 for value in printed.scores.values()), f"{printed}: percents"
        assert printed.protocol, f"{printed}: numbers without a protocol"
        assert printed.source, f"{printed}: numbers without a source"
    scored = [name for name in (adapter.validation_split, *adapter.test_splits) if name]
    for name in (adapter.train_split, *scored):
        _check_split(adapter, name, annotated=name != adapter.train_split)
    for name in scored:
        _check_annotations(adapter, name)
    _refuses("a split that is not there", lambda: adapter.split("no such split"))
    if adapter.needs_root:
        _refuses("a missing --data-root", lambda: type(adapter)(None))


def _check_split(adapter: BenchmarkAdapter, name: str, *, annotated: bool) -> None:
    split = adapter.split(name)
    assert split.samples, f"{name}: no sample can be used: {split.missing}"
    listed = len(split.samples) + len(split.missing)
    assert listed == split.expected, f"{name}: {split.expected} expected, but {listed} usable or missing"
    assert all(missing.reason for missing in split.missing), f"{name}: a sample is missing without a reason"
    some = [split.samples[index] for index in range(min(16, len(split.samples)))]
    assert len({sample.id for sample in some}) == len(some), f"{name}: ids must be unique"
    for sample in some:
        image, sound = read_image(sample.image), read_audio(sample.audio, 16000, adapter.audio_seconds)
        _same(f"{name}: channels of '{sample.id}'", image.shape[2:], (3,))
        assert np.isfinite(sound).all(), f"{name}: sound of '{sample.id}' must be finite"
        if annotated:
            assert sample.truth is not None, f"{name}: '{sample.id}' has no ground truth"
            _check_truth(f"{name}: '{sample.id}'", sample.truth, adapter.size)
            assert sample.sounding or not sample.truth.mask.any(), f"{name}: '{sample.id}' marks nothing"
        else:
            assert sample.truth is None, f"{name}: methods must not train on the truth of '{sample.id}'"


def _check_annotations(adapter: BenchmarkAdapter, name: str) -> None:
    samples, annotations = adapter.split(name).samples, adapter.annotations(name)
    assert len(annotations) >= len(samples), f"{name}: samples without an annotation"
    masks = {sample.id: sample.truth for sample in map(samples.__getitem__, range(min(8, len(samples))))}
    for annotation in map(annotations.__getitem__, range(min(8, len(annotations)))):
        counts = annotation.counts
        broken = max(counts.garbage, counts.degenerate)
        assert broken <= counts.boxes, f"{name}: more broken boxes than boxes in '{annotation.id}'"
        truth = masks.get(annotation.id, annotation.truth)
        assert truth is not None
        assert (annotation.truth.mask == truth.mask).all(), f"{name}: two truths of '{annotation.id}'"


def _check_truth(what: str, truth: GroundTruth, size: int) -> None:
    _same(f"{what}: mask", truth.mask.shape, (size, size))
    assert truth.mask.dtype == np.float32, f"{what}: a mask is float32, not {truth.mask.dtype}"
    assert np.isfinite(truth.mask).all(), f"{what}: a mask must be finite"
    assert 0 <= truth.mask.min() <= truth.mask.max() <= 1, f"{what}: a mask lies in 0..1"
    if len(truth.silent):
        _same(f"{what}: silent masks", truth.silent.shape[1:], (size, size))


def _refuses(what: str, action: Callable[[], object]) -> None:
    try:
        action()
    except DataError:
        return
    raise AssertionError(f"{what} must be a DataError")


def _features(backbone: Backbone, images: int) -> ImageFeatures:
    side = backbone.image_size
    with torch.no_grad():
        return backbone.encode_image(torch.randn(images, 3, side, side))


def _all_train(part: torch.nn.Module, output: Tensor) -> None:
    named = [(name, parameter) for name, parameter in part.named_parameters() if parameter.requires_grad]
    if not named:
        return
    gradients = torch.autograd.grad(output.square().sum(), [p for _, p in named], allow_unused=True)
    for (name, _), gradient in zip(named, gradients, strict=True):
        assert gradient is not None, f"'{name}' gets no gradient"


def _same(what: str, got: Iterable[int], expected: tuple[int, ...]) -> None:
    values = tuple(got)
    assert values == expected, f"{what}: expected {expected}, got {values}"
