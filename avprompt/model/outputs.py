"""What parts return, checked wherever a method uses it against what their interfaces promise.

Each function calls one part. A broken promise is a `PluginError` with the class, its file, and the shapes
promised and returned. Letters of shapes are those of `avprompt.records`. Numbers that are not finite are left
to those who can name the clips: a broken clip, or training that diverges, leads to them as well as a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from avprompt.errors import PluginError
from avprompt.promises import describe
from avprompt.records import ImageFeatures, Prompt

if TYPE_CHECKING:
    from avprompt.model.parts import AudioEncoder, AudioProjection, Backbone, Decoder, Masker
    from avprompt.model.prompt_generator import PromptGenerator

Record = TypeVar("Record")


def image_features(backbone: Backbone, pixels: Tensor, visual: Sequence[Tensor] = ()) -> ImageFeatures:
    """Return what the image encoder says of normalised pixels (B, 3, H, W), given prompt tokens or none."""
    encoded = backbone.encode_image(pixels, visual) if visual else backbone.encode_image(pixels)
    features = check_record(backbone, "encode_image", encoded, ImageFeatures)
    batch, grid = len(pixels), pixels.shape[-1] // backbone.patch_size
    width, joint, patches = backbone.vision_width, backbone.joint_width, grid * grid + 1
    check = "encode_image, pooled"
    check_tensor(backbone, check, features.pooled, pixels, "B D", B=batch, D=joint)
    check = "encode_image, dense"
    check_tensor(backbone, check, features.dense, pixels, "B D h w", B=batch, D=joint, h=grid, w=grid)
    if len(features.hidden) != backbone.layers:
        raise broken(backbone, "encode_image", f"{backbone.layers} hidden", f"{len(features.hidden)}")
    for hidden in features.hidden:
        check = "encode_image, hidden"
        check_tensor(backbone, check, hidden, pixels, "B N+1 C", **{"B": batch, "N+1": patches, "C": width})
    return features


def pooled_image(backbone: Backbone, pixels: Tensor, visual: Sequence[Tensor] = ()) -> Tensor:
    """Return the projected class token (B, D) of normalised pixels (B, 3, H, W), likewise."""
    pooled = backbone.pool_image(pixels, visual) if visual else backbone.pool_image(pixels)
    width = backbone.joint_width
    return check_tensor(backbone, "pool_image", pooled, pixels, "B D", B=len(pixels), D=width)


def audio_frames(encoder: AudioEncoder, waveform: Tensor) -> Tensor:
    """Return the frames (B, L, W) of waveforms (B, T)."""
    frames, width = encoder(waveform), encoder.width
    return check_tensor(encoder, "forward", frames, waveform, "B L W", B=len(waveform), W=width)


def audio_tokens(projection: AudioProjection, frames: Tensor) -> Tensor:
    """Return the audio tokens (B, K, E) of frames (B, L, W)."""
    tokens, width = projection(frames), projection.text_width
    return check_tensor(projection, "forward", tokens, frames, "B K E", B=len(frames), E=width)


def audio_tags(encoder: AudioEncoder, frames: Tensor) -> Tensor:
    """Return the scores (B, n) of an audio encoder's classes for frames (B, L, W)."""
    scores, classes = encoder.tag(frames), len(encoder.labels)
    return check_tensor(encoder, "tag", scores, frames, "B n", B=len(frames), n=classes)


def visual_tokens(generator: PromptGenerator, backbone: Backbone) -> tuple[Tensor, ...]:
    """Return what a prompt generator puts into the layers of the image tower, each (M, C)."""
    if not generator.prompted_image_layers:
        return ()
    tokens, layers, width = generator.visual(), generator.prompted_image_layers, backbone.vision_width
    if not isinstance(tokens, tuple) or len(tokens) != layers:
        raise broken(generator, "visual", f"a tuple with tokens for each of {layers} layers", _seen(tokens))
    sizes = {"C": width}
    for layer in tokens:
        check_tensor(generator, "visual", layer, layer, "M C", **sizes)
        sizes["M"] = len(layer)
    return tokens


def text_features(backbone: Backbone, prompt: Prompt, generator: PromptGenerator) -> Tensor:
    """Return the text features (B, D) of what a prompt generator has made."""
    prompt, width = check_record(generator, "forward", prompt, Prompt), backbone.text_width
    embeddings = check_tensor(generator, "forward", prompt.embeddings, prompt.embeddings, "B S E", E=width)
    batch, length = embeddings.shape[:2]
    if not _within(prompt.read_at, batch, length, embeddings):
        promised = f"a read_at within its {length} tokens, one for all or an integer for each of {batch} rows"
        raise broken(generator, "forward", promised, _seen(prompt.read_at))
    if prompt.readings < 1 or batch % prompt.readings:
        raise broken(generator, "forward", f"readings that divide its {batch} rows", str(prompt.readings))
    _check_deep_text(generator, prompt, width)
    text, joint = backbone.encode_prompt(prompt), backbone.joint_width
    text = check_tensor(backbone, "encode_prompt", text, embeddings, "B D", B=batch, D=joint)
    return text if prompt.readings == 1 else text.unflatten(0, (-1, prompt.readings)).mean(1)


def check_count(generator: PromptGenerator, method: str, text: Tensor, count: int) -> Tensor:
    """Return text features if there is one for each of so many sounds, or pairs of sound and image."""
    if len(text) != count:
        raise broken(generator, method, f"a prompt for each of {count}", f"{len(text)}")
    return text


def _within(read_at: Any, rows: int, length: int, like: Tensor) -> bool:
    """Say whether places are those of tokens; on a GPU their values are not looked at, which would wait."""
    if isinstance(read_at, int):
        return 0 <= read_at < length
    if not isinstance(read_at, Tensor) or read_at.shape != (rows,) or read_at.device != like.device:
        return False
    whole = not read_at.is_floating_point() and read_at.dtype != torch.bool
    return whole and (like.device.type != "cpu" or bool(((read_at >= 0) & (read_at < length)).all()))


def _check_deep_text(generator: PromptGenerator, prompt: Prompt, width: int) -> None:
    layers, (rows, length) = generator.prompted_text_layers - 1, prompt.embeddings.shape[:2]
    if len(prompt.deep_text) != layers:
        promised = f"deep_text for {layers} layers behind the first, as prompted_text_layers says,"
        raise broken(generator, "forward", promised, f"{len(prompt.deep_text)}")
    for tokens in prompt.deep_text:
        check_tensor(generator, "forward, deep_text", tokens, prompt.embeddings, "B M E", E=width)
        if len(tokens) not in (1, rows):
            promised = f"deep_text of all {rows} sequences, or of (1, M, E)"
            raise broken(generator, "forward", promised, _seen(tokens))
        if tokens.shape[1] > length - 2:
            promised = f"deep_text that fits between the first and the last of {length} tokens"
            raise broken(generator, "forward", promised, _seen(tokens))


def mask_logits(decoder: Decoder, image: ImageFeatures, text: Tensor, *, pairs: bool = False) -> Tensor:
    """Return the mask logits (B, h, w), or (B, B_audio, h, w) of all `pairs`."""
    logits = decoder(image, text, pairs=pairs)
    if not pairs:
        return check_tensor(decoder, "forward", logits, text, "B h w", B=len(image))
    sizes = {"B": len(image), "B_audio": text.shape[-2]}
    return check_tensor(decoder, "forward", logits, text, "B B_audio h w", **sizes)


def hard_masks(masker: Masker, logits: Tensor, noise: Tensor) -> Tensor:
    """Return the hard masks of mask logits, of their shape."""
    return _masks(masker, "hard", masker.hard(logits, noise), logits, tuple(logits.shape))


def feature_masks(masker: Masker, logits: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the feature masks (..., *grid) of mask logits (..., H, W)."""
    return _masks(masker, "feature", masker.feature(logits, grid), logits, (*logits.shape[:-2], *grid))


def heatmaps(masker: Masker, logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the heatmaps (..., *size) of mask logits (..., H, W)."""
    return _masks(masker, "heatmap", masker.heatmap(logits, size), logits, (*logits.shape[:-2], *size))


def check_record(part: nn.Module, method: str, output: Any, record: type[Record]) -> Record:
    """Return the output of a part's method if it is the record that is promised.

    Raises:
        PluginError: it is something else.
    """
    if not isinstance(output, record):
        raise broken(part, method, f"a record {record.__name__}", _seen(output))
    return output


def check_tensor(part: nn.Module, method: str, output: Any, like: Tensor, axes: str, **sizes: int) -> Tensor:
    """Return the output of a part's method if it is the tensor that is promised.

    Args:
        part: whose method it is.
        method: its name.
        output: what it returned.
        like: a tensor on the device where it must be.
        axes: letters, as the interface names them, with spaces between.
        **sizes: of axes that have one size only, by letter.

    Raises:
        PluginError: no tensor, or one of another shape, not of floating point, or elsewhere.
    """
    letters = axes.split()
    promised = f"({', '.join(letters)})"
    if sizes:
        promised += f" = ({', '.join(str(sizes.get(letter, letter)) for letter in letters)})"
    if not isinstance(output, Tensor) or not _fits(output.shape, letters, sizes):
        raise broken(part, method, promised, _seen(output))
    if not output.is_floating_point():
        raise broken(part, method, f"{promised} of floating point", str(output.dtype))
    if output.device != like.device:
        raise broken(part, method, f"{promised} on {like.device}", f"a tensor on {output.device}")
    return output


def broken(part: nn.Module, method: str, promised: str, returned: str) -> PluginError:
    """Return the error of a broken promise."""
    return PluginError(
        f"{describe(part)} breaks a promise: {method} must return {promised}, but returned {returned}."
    )


def _masks(masker: Masker, method: str, masks: Any, logits: Tensor, shape: tuple[int, ...]) -> Tensor:
    letters = ["B", "B_audio", "H", "W"] if len(shape) == 4 else ["B", "H", "W"][-len(shape) :]
    return check_tensor(
        masker, method, masks, logits, " ".join(letters), **dict(zip(letters, shape, strict=True))
    )


def _fits(shape: tuple[int, ...], letters: list[str], sizes: dict[str, int]) -> bool:
    expected = [sizes.get(letter) for letter in letters]
    return len(shape) == len(letters) and all(
        size in (None, got) for size, got in zip(expected, shape, strict=True)
    )


def _seen(output: Any) -> str:
    if output is None:
        return "None: is a `return` missing?"
    if isinstance(output, int):
        return str(output)
    if not isinstance(output, Tensor):
        return f"a {type(output).__name__}"
    return str(tuple(output.shape) if output.is_floating_point() else output.tolist())
