"""Encoding with the frozen encoders of a method, each content once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from avprompt.data.inputs import Sound
from avprompt.errors import ConfigError
from avprompt.features.keys import (
    NOTHING_STORED,
    EncoderFeatures,
    Kind,
    StoredFeatures,
    describe,
    fingerprint,
)
from avprompt.features.store import FeatureStore, compact
from avprompt.model.method import Method
from avprompt.model.parts import FrozenPart
from avprompt.promises import describe as describe_part
from avprompt.records import ImageFeatures
from avprompt.weights.files import home

FOLDER = "features"
GIGABYTE = 10**9


class Encoding:
    """Encodes sounds and images with a method's frozen encoders, each content once where features are stored.

    What is computed anew is rounded as the store rounds it, so that a hit and a miss give the same numbers.

    Attributes:
        method: whose encoders work, on its device.
        stored: features that are known; readers ask these too, so that a known sound is not even decoded.
    """

    def __init__(self, method: Method, stored: StoredFeatures = NOTHING_STORED) -> None:
        self.method, self.stored = method, stored

    @torch.no_grad()
    def frames(self, sounds: Sequence[Sound]) -> Tensor:
        """Return the frames (B, L, W) of sounds, float32 on the method's device; only misses are encoded."""
        stored = self.stored.audio
        if stored is None:
            return self._encode(sounds).float()
        # Sounds of one content are encoded once; one without a key is like no other.
        names = [sound.key or str(k) for k, sound in enumerate(sounds)]
        rows = {name: sound.frames for name, sound in zip(names, sounds, strict=True)}
        misses = {name: sound for name, sound in zip(names, sounds, strict=True) if rows[name] is None}
        if misses:
            for (name, sound), row in zip(misses.items(), self._encode([*misses.values()]), strict=True):
                rows[name] = compacted = compact(row)
                if sound.key:
                    stored.put(sound.key, {"frames": compacted})
        return _stack([rows[name] for name in names], self.device)

    @torch.no_grad()
    def images(self, pixels: Tensor, keys: Sequence[str] = ()) -> ImageFeatures:
        """Return the features of images, float32 where they are stored.

        Args:
            pixels: (B, 3, H, W) normalised, on the method's device.
            keys: of the B images, as `avprompt.data.keys.image_key` makes them; none where images are
                never the same twice.
        """
        stored = self.stored.images
        if stored is None or not keys:
            return self.method.encode_image(pixels)
        rows = [stored.get(key) for key in keys]
        misses = [k for k, row in enumerate(rows) if row is None]
        if misses:
            encoded = self.method.encode_image(pixels[misses] if len(misses) < len(rows) else pixels)
            for place, k in enumerate(misses):
                rows[k] = row = _image_row(encoded, place)
                stored.put(keys[k], row)
        return _image_features([row for row in rows if row is not None], pixels.device)

    def _encode(self, sounds: Sequence[Sound]) -> Tensor:
        """Return the frames (B, L, W) of waveforms; those of one length are encoded together."""
        waveforms = [sound.waveform for sound in sounds if sound.waveform is not None]
        by_length: dict[int, list[int]] = defaultdict(list)
        for place, waveform in enumerate(waveforms):
            by_length[len(waveform)].append(place)
        encoded = [
            self.method.encode_audio(torch.stack([waveforms[place] for place in places]).to(self.device))
            for places in by_length.values()
        ]
        if len(encoded) == 1:
            return encoded[0]
        order = torch.tensor([place for places in by_length.values() for place in places])
        return torch.cat(encoded)[order.argsort().to(self.device)]

    @property
    def device(self) -> torch.device:
        """Where the method is."""
        return next(self.method.parameters()).device


def open_encoding(
    method: Method,
    cache: str | None = None,
    cache_size: float = 50.0,
    precision: str = "no",
    folder: Path | None = None,
) -> Encoding:
    """Return the encoders of a method, with the stored features that a user asks for.

    Args:
        method: with weights read.
        cache: what to store, `audio`, `images` or `all`; None stores nothing.
        cache_size: what all features may take together, gigabytes.
        precision: that the encoders compute in, as accelerate names it: `no`, `bf16`, `fp16`.
        folder: of the features; `$AVPROMPT_HOME/features` unless given.

    Raises:
        ConfigError: see `check_cache`.
    """
    check_cache(method, cache)
    store = FeatureStore(folder or features_folder(), round(cache_size * GIGABYTE))
    audio = _features(store, "audio", method.audio_encoder, precision) if cache in ("audio", "all") else None
    images = _features(store, "images", method.backbone, precision) if cache in ("images", "all") else None
    return Encoding(method, StoredFeatures(audio, images))


def check_cache(method: Method, cache: str | None) -> None:
    """Make sure that what is to be stored stays as it is.

    Raises:
        ConfigError: image features, which the method's prompt tokens in the image encoder change.
    """
    if cache in ("images", "all") and method.prompts_images:
        raise ConfigError(
            f"--cache {cache} would keep what the image encoder makes of each image. "
            f"{describe_part(method.prompt)} puts tokens into that encoder, and training changes them. "
            "Use --cache audio."
        )


def features_folder() -> Path:
    """Return where features are kept, beside the weights."""
    return home() / FOLDER


def _features(store: FeatureStore, kind: Kind, part: FrozenPart, precision: str) -> EncoderFeatures:
    features = EncoderFeatures(store, kind, fingerprint(part, precision=precision))
    store.write_about(kind, features.fingerprint, describe(part, precision=precision))
    return features


def _stack(rows: Iterable[Tensor | None], device: torch.device) -> Tensor:
    """Stack rows of either precision, wherever they are, as float32 on a device."""
    known = [row for row in rows if row is not None]
    stacked = torch.empty(len(known), *known[0].shape, device=device)
    for place, row in zip(stacked, known, strict=True):
        place.copy_(row)
    return stacked


def _image_row(features: ImageFeatures, place: int) -> dict[str, Tensor]:
    hidden = {f"hidden.{k}": layer[place] for k, layer in enumerate(features.hidden)}
    row = {"pooled": features.pooled[place], "dense": features.dense[place], **hidden}
    return {name: compact(tensor) for name, tensor in row.items()}


def _image_features(rows: Sequence[dict[str, Tensor]], device: torch.device) -> ImageFeatures:
    stacked = {name: _stack([row[name] for row in rows], device) for name in rows[0]}
    hidden = tuple(stacked[f"hidden.{k}"] for k in range(len(stacked) - 2))
    return ImageFeatures(stacked["pooled"], hidden, stacked["dense"])
