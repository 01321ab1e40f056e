"""What CLIP's backbones share: everything but where the modules and their weights come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from avprompt.model.chunks import in_groups
from avprompt.plugin import Backbone, ConfigError, ImageFeatures, Prompt
from avprompt_clip.tokens import Tokenizer
from avprompt_clip.towers import DeepTokens, Tower, VisionTower

PUBLISHED_SIZE = 352
MLP_RATIO = 4  # a block's hidden layer is so much wider than its tokens
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class ClipBackbone(Backbone):
    """A CLIP whose subclass names the modules: `vision`, `text`, `token_embedding`, `tokenizer`.

    Attributes:
        extract_layers: indices of the blocks whose output is an extract layer; 0 is the first block.
    """

    mean, std = CLIP_MEAN, CLIP_STD
    extract_layers: tuple[int, ...]

    @property
    @abstractmethod
    def vision(self) -> VisionTower:
        """The image tower."""

    @property
    @abstractmethod
    def text(self) -> Tower:
        """The text tower."""

    @property
    @abstractmethod
    def token_embedding(self) -> nn.Embedding:
        """The text tower's vocabulary."""

    @property
    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """What turns words into rows of the vocabulary."""

    def encode_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> ImageFeatures:
        """Encode normalised pixels (B, 3, H, W) in one pass, with prompt tokens in the first layers."""
        parts = [self._encode(part, visual) for part in in_groups(pixels, self._widest(pixels))]
        return ImageFeatures(
            pooled=torch.cat([part.pooled for part in parts]),
            hidden=tuple(torch.cat(layer) for layer in zip(*(part.hidden for part in parts), strict=True)),
            dense=torch.cat([part.dense for part in parts]),
        )

    def _encode(self, pixels: Tensor, visual: Sequence[Tensor]) -> ImageFeatures:
        tower, extracted = self.vision, [index + 1 for index in self.extract_layers]
        before_last = len(tower.blocks) - 1
        first, deep = self._image_input(pixels, visual)
        states = tower.run(first, keep={*extracted, before_last}, deep=deep)
        last = states[before_last]  # what reads the last block needs one token of it, or no attention
        pooled = tower.read(tower.blocks[-1].at(last, 0)[:, 0])
        if visual:  # prompt tokens have done their work: no feature holds them
            states = {depth: state[:, : deep.start] for depth, state in states.items()}
        dense = tower.read(tower.blocks[-1].value_only(states[before_last][:, 1:]))  # (B, N, D)
        height, width = (side // self.patch_size for side in pixels.shape[-2:])
        return ImageFeatures(
            pooled=pooled,
            hidden=tuple(states[depth] for depth in extracted),
            dense=dense.transpose(1, 2).reshape(len(dense), -1, height, width),
        )

    def pool_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
        """Return the projected class token (B, D), with gradient to pixels and prompt tokens."""
        parts = in_groups(pixels, self._widest(pixels))
        inputs = [self._image_input(part, visual) for part in parts]
        return torch.cat([self.vision.pool(first, 0, deep=deep) for first, deep in inputs])

    def _image_input(self, pixels: Tensor, visual: Sequence[Tensor]) -> tuple[Tensor, DeepTokens]:
        """Return what enters the image tower, and the prompt tokens that enter its later blocks."""
        if not visual:
            return self.vision.embed(pixels), DeepTokens()
        first = self.vision.embed(pixels, visual[0])
        return first, DeepTokens(visual[1:], start=first.shape[1] - len(visual[0]))

    def _widest(self, pixels: Tensor) -> int:
        """Return how many numbers the hidden layer of an image's MLP has, the largest tensor there is."""
        height, width = (side // self.patch_size for side in pixels.shape[-2:])
        return (height * width + 1) * MLP_RATIO * self.vision_width

    def embed_text(self, text: str) -> Tensor:
        """Return the input embeddings (S, E) of the words, without `<sos>` and `<eos>`."""
        return self._embed(self.tokenizer.encode(text))

    def special_token_embeddings(self) -> tuple[Tensor, Tensor]:
        """Return the input embeddings of `<sos>` and `<eos>`, each (E,)."""
        start, end = self._embed([self.tokenizer.start, self.tokenizer.end])
        return start, end

    def encode_prompt(self, prompt: Prompt) -> Tensor:
        """Return the projected text features (B, D), with gradient to the embeddings.

        Raises:
            ConfigError: the prompt is longer than the text encoder has positions.
        """
        tower = self.text
        length, limit = prompt.embeddings.shape[1], len(tower.positions)
        if length > limit:
            raise ConfigError(
                f"The prompt has {length} tokens and the text encoder takes {limit} at most. "
                "Use fewer context words or tokens."
            )
        first, deep = prompt.embeddings + tower.positions[:length], DeepTokens(prompt.deep_text)
        return tower.pool(first, prompt.read_at, causal=True, deep=deep)

    def _embed(self, ids: list[int]) -> Tensor:
        weight = self.token_embedding.weight
        return weight[torch.tensor(ids, dtype=torch.long, device=weight.device)]


def fit_image_size(wanted: int | None, patch_size: int) -> int:
    """Return the side of the input image in pixels: `wanted`, or what whole patches fill of 352.

    Raises:
        ConfigError: `wanted` is not a multiple of the patch size.
    """
    if wanted is None:
        return PUBLISHED_SIZE // patch_size * patch_size
    if wanted % patch_size:
        near = max(round(wanted / patch_size), 1) * patch_size
        raise ConfigError(
            f"backbone.image_size = {wanted} is not a multiple of the patch size {patch_size}. "
            f"Use {near}, for instance."
        )
    return wanted


def check_extract_layers(layers: tuple[int, ...], blocks: int) -> tuple[int, ...]:
    """Return `layers` if they are blocks of the tower, in order.

    Raises:
        ConfigError: they are not.
    """
    if not layers or sorted(set(layers)) != list(layers) or layers[0] < 0 or layers[-1] >= blocks:
        raise ConfigError(
            f"Extract layers {list(layers)} must be increasing numbers from 0 to {blocks - 1}: "
            "the blocks of the image encoder."
        )
    return layers
