"""The features of one encoder in a store, and the caches that a method works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from avprompt.cache.store import FeatureStore

Kind = Literal["audio", "images"]


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
