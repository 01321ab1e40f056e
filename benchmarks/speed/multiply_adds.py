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

from avprompt.fbank import frame_count
from avprompt.method import Method
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
        value_weights: of those that the value-only block uses: value, output and MLP.
    """

    tokens: int
    width: int
    blocks: int
    weights: int
    value_weights: int

    @property
    def linear(self) -> int:
        """Multiply-adds of the linear maps."""
        return self.tokens * self.blocks * self.weights

    @property
    def attention(self) -> int:
        """Multiply-adds of the attention."""
        return 2 * self.blocks * self.tokens**2 * self.width


@dataclass(frozen=True)
class Step:
    """Multiply-adds of the units of a step, forward and backward together where there is a gradient.

    Attributes:
        look: an image through the vision tower, no gradient.
        again: the same as the published schedule does it for every pair.
        dense: what pooled and dense features take on top of that.
        masked: a masked image through the vision tower, and the gradient to its pixels.
        sound: a sound through the audio encoder, no gradient.
        token: a sound's frames through the audio projection.
        context: an image's context tokens.
        prompt: a prompt through the text tower.
        reduce: an image's extract layers, as the decoder reduces them.
        pair: an image decoded with a text, and its masked feature.
    """

    look: int
    again: int
    dense: int
    masked: int
    sound: int
    token: int
    context: int
    prompt: int
    reduce: int
    pair: int
    cross: bool

    def ours(self, clips: int, *, cached: bool = False) -> int:
        """Return those of a step where everything is computed once; `cached` sounds are not encoded."""
        once = self.look + self.dense + self.masked + self.reduce + (0 if cached else self.sound)
        return clips * once + self._shared(clips)

    def published(self, clips: int) -> int:
        """Return those of the published schedule: every image is looked at again for each sound."""
        once = self.look + self.dense + self.masked + self.sound
        return clips * once + clips**2 * (self.again + self.reduce) + self._shared(clips)

    def _shared(self, clips: int) -> int:
        prompts = clips**2 if self.cross else clips
        return clips * (self.token + self.context) + prompts * self.prompt + clips**2 * self.pair


def count_step(method: Method, seconds: float) -> Step:
    """Count for a method with a CLIP or mini backbone, BEATs and CLIPSeg's decoder; sounds of `seconds`."""
    backbone, network = method.backbone, method.decoder.network
    grid = (backbone.image_size // backbone.patch_size) ** 2
    vision, stem = _vision(backbone, grid)
    read = backbone.vision_width * backbone.joint_width
    text = _text(method)
    frames, sound = _beats(method.audio_encoder.beats, round(seconds * SAMPLE_RATE))
    clip = isinstance(backbone, ClipBackbone)
    look = stem + vision.linear + vision.attention + read
    dense = (grid + clip) * (vision.value_weights + read)  # CLIP's keep the class token here
    trained = any(parameter.requires_grad for parameter in network.parameters())
    return Step(
        look=look,
        again=look if clip else look + dense,  # the miniature has no seam between the two
        dense=dense,
        masked=2 * (stem + vision.linear + read) + 3 * vision.attention,
        sound=sound,
        token=_projection(method.projection, frames),
        context=_context(method.prompt),
        prompt=2 * (text.linear + _text_read(backbone)) + 3 * text.attention,
        reduce=(1 + trained) * (grid + 1) * _weights(network.reduces),
        pair=_pair(network, grid, trained) + 2 * grid * backbone.joint_width,
        cross=method.prompt.config.pairing == "cross",
    )


def _weights(modules: nn.Module | Iterable[nn.Module]) -> int:
    """Count the weights, biases left out, of all linear maps and convolutions inside."""
    inside = [modules] if isinstance(modules, nn.Module) else list(modules)
    found = (module for one in inside for module in one.modules() if isinstance(module, WEIGHTED))
    return sum(module.weight.numel() for module in found)


def _vision(backbone: Any, grid: int) -> tuple[Tower, int]:
    """Return the vision tower, and the multiply-adds of cutting the image into patches."""
    width = backbone.vision_width
    if isinstance(backbone, ClipBackbone):
        model = backbone.clip.vision_model
        blocks = model.encoder.layers
        query_key = _weights([blocks[0].self_attn.q_proj, blocks[0].self_attn.k_proj])
        stem = grid * _weights(model.embeddings.patch_embedding)
        skipped = query_key
    else:
        blocks, side = backbone.clip.image.blocks, backbone.image_size
        stem = 0
        for convolution in backbone.clip.image.stem.children():
            side //= convolution.stride[0]
            stem += side**2 * _weights(convolution)
        skipped = 0  # one linear map makes query, key and value
    weights = _weights(blocks[0])
    return Tower(grid + 1, width, len(blocks), weights, weights - skipped), stem


def _text(method: Method) -> Tower:
    backbone, prompt = method.backbone, method.prompt
    if isinstance(backbone, ClipBackbone):
        blocks = backbone.clip.text_model.encoder.layers
    else:
        blocks = backbone.clip.text.blocks
    config = prompt.config
    context = getattr(config, "context_tokens", None) or len(prompt.words)
    length = 2 + context + getattr(method.projection.config, "tokens", 1)  # <sos> context [V_A] <eos>
    weights = _weights(blocks[0])
    return Tower(length, backbone.text_width, len(blocks), weights, weights)


def _text_read(backbone: Any) -> int:
    return int(backbone.text_width * backbone.joint_width)


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
    gates = [layer.self_attn.grep_linear for layer in layers] if arch.gru_rel_pos else []
    gate = frames * arch.encoder_attention_heads * _weights(gates)
    linear = frames * (_weights(layers) - _weights(gates))
    attention = 2 * len(layers) * frames**2 * width
    return frames, mel + embed + positions + gate + linear + attention


def _projection(projection: Any, frames: int) -> int:
    """Count the trained projection; its first map has no input that learns."""
    first = projection.reduce if hasattr(projection, "reduce") else projection.fc1
    tokens = getattr(projection.config, "tokens", 1)
    # Attention pooling; the factor graph also compares each frame with the mean frame.
    pools = tokens if hasattr(projection, "reduce") else 2
    pooled = pools * frames * projection.text_width
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
