"""The training step on the schedule of ACL-SSL's published code, in its plainest form.

Written from the papers' formulas (arXiv 2311.04066, 2603.22732) as what `Method.forward` is compared with:
the same weights, inputs and noise must give the same losses and gradients. It computes what the published
code computes as often as that does, and nothing is shared between pairs:

- every image goes through the frozen vision encoder once for each audio of the batch, for the extract
  layers that the decoder reads together with that audio;
- once more for the pooled and the dense features;
- once more times its own mask, with a gradient to the mask.

i indexes images, j audios; B clips, D joint width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from avprompt.model.method import Method
from avprompt.model.parts import Backbone
from avprompt.records import AudioFeatures, ImageFeatures
from avprompt_clip.backbone import ClipBackbone


def published_terms(method: Method, pixels: Tensor, waveform: Tensor, noise: Tensor) -> dict[str, Tensor]:
    """Return each loss times its weight, by name, and their sum as `total`.

    Args:
        method: in training mode, with losses named as ACL-SSL's.
        pixels: (B, 3, H, W) normalised.
        waveform: (B, T); image i belongs to audio i.
        noise: uniform draws (B, B, h, w) of the Gumbel-sigmoid.
    """
    clips = len(pixels)
    image = look_at(method.backbone, pixels)  # pooled and dense features
    audio = method.listen(method.encode_audio(waveform))
    text = read(method, audio, image)  # A[i, j] (B, B, D)

    logits = []
    for j in range(clips):
        seen = look_at(method.backbone, pixels, dense=False)  # extract layers
        logits.append(method.decoder(seen, text[:, j]))  # audio j in every image: (B, H, W)
    maps = torch.stack(logits, dim=1).float()  # G[i, j] (B, B, H, W)

    hard = method.masker.hard(maps, noise)
    own = torch.stack([hard[i, i] for i in range(clips)])  # (B, H, W)
    mask = F.interpolate(own[:, None], pixels.shape[-2:], mode="bilinear", align_corners=False)
    image_level = pool(method.backbone, pixels * mask).float()  # v^I (B, D)
    feature_level = masked_features(method, image.dense.float(), maps)  # v^F (B, B, D)
    return weigh(method, text.float(), image_level, feature_level, hard)


def read(method: Method, audio: AudioFeatures, image: ImageFeatures) -> Tensor:
    """Return A[i, j] (B, B, D): audio j read with the context of image j (`own`) or of image i (`cross`)."""
    clips = len(audio)
    if method.prompt.config.pairing == "own":
        return method.read(audio, image).expand(clips, -1, -1)
    columns = [method.read(audio[[j] * clips], image) for j in range(clips)]
    return torch.stack(columns, dim=1)


@torch.no_grad()
def look_at(backbone: Backbone, pixels: Tensor, *, dense: bool = True) -> ImageFeatures:
    """Run the whole vision tower, and its last block again on values alone for `dense` features."""
    if not isinstance(backbone, ClipBackbone):
        return backbone.encode_image(pixels)
    tower, end = backbone.vision, len(backbone.vision.blocks)
    states = tower.run(tower.embed(pixels), keep=range(end + 1))
    hidden = tuple(states[layer + 1] for layer in backbone.extract_layers)
    pooled = tower.read(states[end][:, 0])
    if not dense:
        return ImageFeatures(pooled, hidden, pixels.new_empty(0))
    patches = tower.read(tower.blocks[-1].value_only(states[end - 1]))[:, 1:]  # (B, N, D)
    height, width = (side // backbone.patch_size for side in pixels.shape[-2:])
    return ImageFeatures(pooled, hidden, patches.transpose(1, 2).unflatten(2, (height, width)))


def pool(backbone: Backbone, pixels: Tensor) -> Tensor:
    """Return the pooled feature (B, D) from the whole vision tower, with gradient to the pixels."""
    if not isinstance(backbone, ClipBackbone):
        return backbone.pool_image(pixels)
    tower, end = backbone.vision, len(backbone.vision.blocks)
    return tower.read(tower.run(tower.embed(pixels), keep={end})[end][:, 0])


def masked_features(method: Method, dense: Tensor, maps: Tensor) -> Tensor:
    """Return v^F (B, B, D): the mean of image i's dense features (B, D, h, w) under the mask of G[i, j].

    Each map is stretched to 0..1 over its own range, brought to the patch grid and softened.
    """
    clips, temperature = len(dense), method.masker.config.feature_temperature
    rows = []
    for i in range(clips):
        columns = []
        for j in range(clips):
            low, high = maps[i, j].min(), maps[i, j].max()
            small = F.interpolate(maps[i, j][None, None], dense.shape[-2:], mode="nearest")[0, 0]
            unit = (small - low) / (high - low).clamp_min(1e-6)
            soft = torch.sigmoid((unit - 0.5) / temperature)  # (h, w)
            columns.append((dense[i] * soft).sum((-2, -1)) / soft.sum())
        rows.append(torch.stack(columns))
    return torch.stack(rows)


def weigh(
    method: Method, text: Tensor, image_level: Tensor, feature_level: Tensor, hard: Tensor
) -> dict[str, Tensor]:
    """Return the three losses times their weights, and their sum."""
    config: dict[str, Any] = {name: loss.config for name, loss in method.losses.items()}
    terms = {}
    for name, options in config.items():
        if name == "image-contrastive":  # S^I[i, j] = cos(v^I_i, A[i, j])
            similarity = F.cosine_similarity(image_level[:, None], text, dim=-1)
            term = info_nce(similarity, options.temperature)
        elif name == "feature-contrastive":  # S^F[i, j] = cos(v^F_ij, A[i, i]) or cos(v^F_ij, A[i, j])
            other = torch.stack([text[i, i] for i in range(len(text))])[:, None]
            with_audio = options.compare_with == "audio"
            similarity = F.cosine_similarity(feature_level, text if with_audio else other, dim=-1)
            term = info_nce(similarity, options.temperature)
        else:  # the area term
            clips = len(hard)
            positive = torch.stack([hard[i, i].mean() for i in range(clips)]).mean()
            negative = hard.mean() - positive / clips
            term = (positive - options.target).abs() + (negative - options.negative_target).abs()
        terms[name] = options.weight * term
    return terms | {"total": torch.stack(list(terms.values())).sum()}


def info_nce(similarity: Tensor, temperature: float) -> Tensor:
    """Return the mean of both directions' cross entropy; the diagonal matches."""
    logits = similarity / temperature
    to_audio = -logits.log_softmax(dim=1).diagonal().mean()
    to_image = -logits.log_softmax(dim=0).diagonal().mean()
    return (to_audio + to_image) / 2
