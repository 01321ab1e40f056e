"""Stand-ins for what a part is built with: the right shapes, and no weights to download."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avprompt.config.options import Options, TrainedOptions
from avprompt.model.grounding import resize_maps
from avprompt.model.parts import AudioEncoder, Backbone, Masker
from avprompt.model.prompt_generator import put_tokens
from avprompt.records import ImageFeatures, Prompt


class StandInTower(nn.Module):
    """Transformer layers of fixed random weights, which take prompt tokens."""

    mix: Tensor

    def __init__(self, width: int, layers: int, seed: int) -> None:
        super().__init__()
        self.layers = layers
        draw = torch.Generator().manual_seed(seed)
        self.register_buffer("mix", torch.randn(layers, 3, width, width, generator=draw) / width**0.5)

    def forward(self, x: Tensor, deep: Sequence[Tensor], start: int, *, causal: bool = False) -> list[Tensor]:
        """Return the states (B, S, width) after each layer.

        Args:
            x: (B, S, width).
            deep: tokens for the layers after the first, each (M, width) or (B, M, width).
            start: place of the tokens that they replace.
            causal: a token attends to itself and those before it.
        """
        states: list[Tensor] = []
        for layer in range(self.layers):
            if 1 <= layer <= len(deep):
                x = put_tokens(x, deep[layer - 1], start)
            query, value, out = (x @ weights for weights in self.mix[layer])
            mixed = F.scaled_dot_product_attention(query, query, value, is_causal=causal)
            x = x + mixed + torch.tanh(out)
            states.append(x)
        return states


class StandInBackbone(Backbone):
    """A backbone without weights: two towers of random but fixed layers, deterministic by pixel and word."""

    image_size, patch_size = 32, 8
    vision_width, joint_width, text_width, layers = 12, 16, 8, 3
    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    prompted_image_layers = prompted_text_layers = 3
    look: Tensor
    project: Tensor
    read: Tensor

    def __init__(self, text_width: int | None = None) -> None:
        super().__init__(Options())
        self.text_width = text_width or self.text_width
        self.image = StandInTower(self.vision_width, self.prompted_image_layers, seed=1)
        self.text = StandInTower(self.text_width, self.prompted_text_layers, seed=2)
        draw = torch.Generator().manual_seed(0)
        self.register_buffer("look", torch.randn(3, self.vision_width, generator=draw))
        self.register_buffer("project", torch.randn(self.vision_width, self.joint_width, generator=draw))
        self.register_buffer("read", torch.randn(self.text_width, self.joint_width, generator=draw))

    def encode_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> ImageFeatures:
        """Average colours over patches, and let the image tower mix them."""
        side = self.image_size // self.patch_size
        hidden = tuple(state[:, : side**2 + 1] for state in self._states(pixels, visual))
        dense = (hidden[-1][:, 1:] @ self.project).transpose(1, 2).unflatten(2, (side, side))
        return ImageFeatures(hidden[-1][:, 0] @ self.project, hidden, dense)

    def pool_image(self, pixels: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
        """Return the class token's last state, projected."""
        return self._states(pixels, visual)[-1][:, 0] @ self.project

    def embed_text(self, text: str) -> Tensor:
        """Draw an embedding for each word, the same for the same word."""
        return torch.stack([self._word(word) for word in text.split()])

    def special_token_embeddings(self) -> tuple[Tensor, Tensor]:
        """Draw `<sos>` and `<eos>`."""
        return self._word("<sos>"), self._word("<eos>")

    def encode_prompt(self, prompt: Prompt) -> Tensor:
        """Let the text tower mix the tokens, later ones weighing more, as order matters."""
        places = torch.arange(prompt.embeddings.shape[1], device=prompt.embeddings.device)
        first = prompt.embeddings * (1 + 0.1 * places)[:, None]
        last = self.text(first, prompt.deep_text, start=1, causal=True)[-1]
        rows = torch.arange(len(last), device=last.device)
        text: Tensor = last[rows, prompt.read_at] @ self.read
        return text

    def _states(self, pixels: Tensor, visual: Sequence[Tensor]) -> list[Tensor]:
        patches = F.avg_pool2d(pixels, self.patch_size).flatten(2).transpose(1, 2) @ self.look  # (B, N, C)
        tokens = torch.cat([patches.mean(1, keepdim=True), patches], dim=1)
        behind = tokens.shape[1]
        first = put_tokens(tokens, visual[0], behind) if visual else tokens
        states: list[Tensor] = self.image(first, visual[1:], start=behind)
        return states

    def _word(self, word: str) -> Tensor:
        number = sum(ord(letter) * 31**k for k, letter in enumerate(word)) % 2**31
        return torch.randn(self.text_width, generator=torch.Generator().manual_seed(number))


class StandInAudioEncoder(AudioEncoder):
    """An audio encoder without weights, and a tagger: how far a sound swings in each of W short windows."""

    sample_rate = 100
    labels = ("red circle", "blue square", "green star")

    def __init__(self, width: int = 6) -> None:
        super().__init__(Options())
        self.width = width

    def forward(self, waveform: Tensor) -> Tensor:
        """Sum windows of 5 samples, W of which make a frame: (B, T) to (B, L, W)."""
        frames: Tensor = waveform.unfold(1, 5 * self.width, 5 * self.width).unflatten(2, (self.width, 5))
        return frames.sum(-1)

    def tag(self, frames: Tensor) -> Tensor:
        """Score a class by the mean of its channel."""
        return frames.mean(1)[:, : len(self.labels)]


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
