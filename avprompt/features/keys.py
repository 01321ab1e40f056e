"""By what features are found: the content of a sound or image, and the encoder that heard or saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from avprompt.data.keys import start_digest
from avprompt.features.store import FeatureStore
from avprompt.model.parts import Part

FORMAT = 1
"""Part of every fingerprint; a change in what is stored, or how sounds are read, makes all keys new."""

Kind = Literal["audio", "images"]


def fingerprint(part: Part, *, precision: str) -> str:
    """Return the hash of an encoder: class, options, weights, and the precision it computes in."""
    digest = start_digest(FORMAT, describe(part, precision=precision))
    for name, value in part.state_dict().items():
        digest.update(repr((name, str(value.dtype), tuple(value.shape))).encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return str(digest.hexdigest())


def describe(part: Part, *, precision: str) -> str:
    """Say in words what a fingerprint is of, weights aside."""
    kind = type(part)
    names = "float32" if precision == "no" else precision
    return f"{kind.__module__}.{kind.__qualname__} in {names}, {part.config.model_dump_json()}"


@dataclass(frozen=True)
class Features:
    """What one frozen encoder makes of its inputs, by the content of these; may be sent to workers.

    Attributes:
        store: where they are.
        kind: what is encoded.
        fingerprint: of the encoder, its weights and precision.
    """

    store: FeatureStore
    kind: Kind
    fingerprint: str

    def get(self, content: str) -> dict[str, Tensor] | None:
        """Return what the encoder has made of a content, if that is there."""
        return self.store.get(self._key(content))

    def put(self, content: str, tensors: Mapping[str, Tensor]) -> bool:
        """Keep what the encoder has made of a content; says whether there was room."""
        return self.store.put(self._key(content), tensors)

    def _key(self, content: str) -> str:
        return f"{self.kind}/{self.fingerprint}/{content}"


@dataclass(frozen=True)
class Caches:
    """The caches in front of a method's encoders; None encodes every time."""

    audio: Features | None = None
    images: Features | None = None


NO_CACHES = Caches()
