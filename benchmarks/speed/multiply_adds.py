"""How many multiply-adds a training step needs, counted from the architecture.

A linear map of n rows takes n x its weights, attention between n tokens of width C takes 2 n^2 C. On the way
back a linear map takes as much again for its input, where something before it learns, and as much for its
weights, where they learn; attention takes twice its forward pass. Whatever is not a matrix product or a
convolution counts nothing.

Units: one image, one sound, one prompt, one pair of image and sound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn

from avprompt.model.fbank import frame_count
from avprompt.model.method import Method
from avprompt_beats.model import MEL_BINS, SAMPLE_RATE, Beats
from avprompt_clip.backbone import ClipBackbone
from avprompt_clip.decoder import ClipSegNetwork

SPECTRUM = 257
"""Lines of the spectrum that mel bands are made of: a window of 400 samples in a transform of 512."""

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class Tower:
    """A transformer whose blocks are alike, over `tokens` tokens.

    Attributes:
        tokens: how many.
        width: of a token.
        blocks: how many.
        weights: of all linear maps of one block.
        for_others: of those of its weights that make keys and values, which other tokens look at.
        read: weights of what projects a state of the last block.
    """

    tokens: int
    width: int
    blocks: int
    weights: int
    for_others: int
    read: int

    def whole(self) -> Work:
        """Count all blocks over all tokens, and the projection of one."""
        linear = self.tokens * self.blocks * self.weights + self.read
        return Work(linear, 2 * self.blocks * self.tokens**2 * self.width)

    def pooled(self) -> Work:
        """Count what one token's final state takes: of the last block no other token is computed."""
        others = self.tokens - 1
        spared = Work(others * (self.weights - self.for_others), 2 * self.width * self.tokens * others)
        return self.whole() - spared


@dataclass(frozen=True)
class Work:
    """Multiply-adds of a forward pass: of linear maps and convolutions, and of attention."""

    linear: int
    attention: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.linear + other.linear, self.attention + other.attention)

    def __sub__(self, other: Work) -> Work:
        return Work(self.linear - other.linear, self.attention - other.attention)

    @property
    def forward(self) -> int:
        """Without a gradient."""
        return self.linear + self.attention

    @property
    def through(self) -> int:
        """Forward, and back to the input: of frozen weights."""
        return 2 * self.linear + 3 * self.attention


@dataclass(frozen=True)
class Step:
    """Multiply-adds of the units of a step, forward and backward together where there is a gradient.

    Attributes:
        image: an image through the vision tower, for all that is asked of it; no gradient.
        masked: a masked image to its pooled feature, and the gradient to its pixels.
        sound: a sound through the audio encoder, no gradient.
        token: a sound's frames through the audio projection.
        context: an image's context tokens.
        prompt: a prompt through the text tower.
        reduce: an image's extract layers, as the decoder reduces them.
        pair: an image decoded with a text, and its masked feature.
        whole: what the published schedule does for every pair: an image through the whole tower.
        whole_image: what it does to an image for pooled and dense features.
        whole_masked: what it does to a masked image.
        cross: every pair has a prompt of its own.
    """

    image: int
    masked: int
    sound: int
    token: int
    context: int
    prompt: int
    reduce: int
    pair: int
    whole: int
    whole_image: int
    whole_masked: int
    cross: bool

    def ours(self, clips: int, *, cached: bool = False) -> int:
        """Return those of a step where everything is computed once; `cached` sounds are not encoded."""
        once = self.image + self.masked + self.reduce + (0 if cached else self.sound)
        return clips * once + self._shared(clips)

    def published(self, clips: int) -> int:
        """Return those of the published schedule: every image is looked at again for each sound."""
        once = self.whole_image + self.whole_masked + self.sound
        return clips * once + clips**2 * (self.whole + self.reduce) + self._shared(clips)

    def _shared(self, clips: int) -> int:
        prompts = clips**2 if self.cross else clips
        return clips * (self.token + self.context) + prompts * self.prompt + clips**2 * self.pair


def count_step(method: Method, seconds: float) -> Step:
    """Count for a CLIPSeg or mini backbone, BEATs and CLIPSeg's decoder, with sounds of so many seconds."""
    parts = method.parts()
    backbone, network, beats = parts["backbone"], parts["decoder"].network, parts["audio_encoder"].beats
    grid = (backbone.image_size // backbone.patch_size) ** 2
    frames, sound = _beats(beats, round(seconds * SAMPLE_RATE))
    prompt = _prompt_length(method.prompt, method.projection)
    trained = any(parameter.requires_grad for parameter in network.parameters())
    return Step(
        **(_clip if isinstance(backbone, ClipBackbone) else _mini)(backbone, grid, prompt),
        sound=sound,
        token=_projection(method.projection, frames),
        context=_context(method.prompt),
        reduce=(1 + trained) * (grid + 1) * _weights(network.reduces),
        pair=_pair(network, grid, trained) + 2 * grid * backbone.joint_width,
        cross=method.prompt.config.pairing == "cross",
    )


def _weights(modules: nn.Module | Iterable[nn.Module]) -> int:
    """Count the weights, biases left out, of all linear maps and convolutions inside."""
    inside = [modules] if isinstance(modules, nn.Module) else list(modules)
    weighted = (part for module in inside for part in module.modules() if isinstance(part, WEIGHTED))
    return sum(part.weight.numel() for part in weighted)


def _prompt_length(prompt: Any, projection: Any) -> int:
    """Return the tokens of `<sos> context [V_A] <eos>`."""
    context = getattr(prompt.config, "context_tokens", None) or len(prompt.words)
    return 2 + int(context) + int(getattr(projection.config, "tokens", 1))


def _clip(backbone: Any, grid: int, prompt: int) -> dict[str, int]:
    """Count CLIPSeg's CLIP: of the last block only what is asked for is computed."""
    vision, text = backbone.clip.vision_model, backbone.clip.text_model
    stem = Work(grid * _weights(vision.embeddings.patch_embedding))
    tower = _clip_tower(backbone, vision.encoder.layers, grid + 1)
    attention = vision.encoder.layers[0].self_attn
    value_only = tower.weights - _weights([attention.q_proj, attention.k_proj])
    dense = Work(value_only + tower.read)  # of one patch
    return {
        "image": (stem + tower.pooled()).forward + grid * dense.forward,
        "masked": (stem + tower.pooled()).through,
        "prompt": _clip_tower(backbone, text.encoder.layers, prompt).pooled().through,
        "whole": (stem + tower.whole()).forward,
        "whole_image": (stem + tower.whole()).forward + (grid + 1) * dense.forward,
        "whole_masked": (stem + tower.whole()).through,
    }


def _clip_tower(backbone: Any, blocks: Any, tokens: int) -> Tower:
    attention = blocks[0].self_attn
    width = attention.q_proj.in_features
    for_others = _weights([attention.k_proj, attention.v_proj])
    return Tower(tokens, width, len(blocks), _weights(blocks[0]), for_others, width * backbone.joint_width)


def _mini(backbone: Any, grid: int, prompt: int) -> dict[str, int]:
    """Count the miniature: both schedules take the same towers, whole."""
    image, text = backbone.clip.image, backbone.clip.text
    cells, side = 0, backbone.image_size
    for convolution in image.stem.children():
        side //= convolution.stride[0]
        cells += side**2 * _weights(convolution)
    vision, stem = _mini_tower(image, grid + 1), Work(cells)
    looked = (stem + vision.whole()).forward + grid * (vision.weights + vision.read)
    masked = (stem + vision.whole()).through
    read = _mini_tower(text, prompt).whole().through
    return {"image": looked, "masked": masked, "prompt": read} | {
        "whole": looked,
        "whole_image": looked,
        "whole_masked": masked,
    }


def _mini_tower(tower: Any, tokens: int) -> Tower:
    weights, width = _weights(tower.blocks[0]), tower.project.in_features
    return Tower(tokens, width, len(tower.blocks), weights, weights, _weights(tower.project))


def _beats(beats: Beats, samples: int) -> tuple[int, int]:
    """Return the frames of a sound, and its multiply-adds."""
    arch, patch = beats.arch, beats.arch.input_patch_size
    spectra = frame_count(samples, SAMPLE_RATE)
    frames = (spectra // patch) * (MEL_BINS // patch)
    mel = spectra * SPECTRUM * MEL_BINS
    embed = frames * _weights([beats.patch_embedding, beats.post_extract_proj or nn.Identity()])
    width, taps = arch.encoder_embed_dim, arch.conv_pos
    padded = frames + 1 - taps % 2  # an even number of taps makes one step too many
    positions = padded * width * (width // arch.conv_pos_groups) * taps
    layers = beats.encoder.layers
    gates = [layer.get_submodule("self_attn.grep_linear") for layer in layers] if arch.gru_rel_pos else []
    gate = frames * arch.encoder_attention_heads * _weights(gates)
    linear = frames * (_weights(layers) - _weights(gates))
    attention = 2 * len(layers) * frames**2 * width
    return frames, mel + embed + positions + gate + linear + attention


def _projection(projection: Any, frames: int) -> int:
    """Count the trained projection; its first map has no input that learns."""
    first = projection.reduce if hasattr(projection, "reduce") else projection.fc1
    tokens = int(getattr(projection.config, "tokens", 1))
    # Attention pooling; the factor graph also compares each frame with the mean frame.
    pools = tokens if hasattr(projection, "reduce") else 2
    pooled = pools * frames * int(projection.text_width)
    return frames * (3 * _weights(projection) - _weights(first)) + 3 * pooled


def _context(prompt: Any) -> int:
    """Count the Meta-net; its first map has no input that learns."""
    return 3 * _weights(prompt) - _weights(prompt.reduce) if hasattr(prompt, "reduce") else 0


def _pair(network: ClipSegNetwork, grid: int, trained: bool) -> int:
    """Count one image with one text: FiLM, blocks, enlargement, and the gradient of all of it."""
    tokens, passes = grid + 1, 3 if trained else 2
    film = _weights([network.film_mul, network.film_add])
    blocks = tokens * _weights(network.layers)
    width = network.film_mul.out_features
    attention = 2 * len(network.layers) * tokens**2 * width
    enlarge, cells = 0, grid
    convolutions = network.transposed_convolution.modules()
    for convolution in (module for module in convolutions if isinstance(module, WEIGHTED)):
        enlarge += cells * _weights(convolution)
        if isinstance(convolution, nn.ConvTranspose2d):
            cells *= convolution.stride[0] ** 2
    return passes * (film + blocks + enlarge) + 3 * attention
