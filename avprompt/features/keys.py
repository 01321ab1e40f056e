"""By what features are found: the content of a sound or image, and the encoder that made them of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from avprompt.data.keys import start_digest
from avprompt.features.code import code_versions
from avprompt.features.store import FeatureStore
from avprompt.model.parts import Part

Kind = Literal["audio", "images"]


def fingerprint(part: Part, *, precision: str) -> str:
    """Return the hash of an encoder: class, options, code, weights, and the precision it computes in.

    Raises:
        PluginError: its code lies in no file.
    """
    digest = start_digest(describe(part, precision=precision), code_versions(part))
    for name, value in {**dict(part.named_buffers()), **part.state_dict()}.items():
        digest.update(repr((name, str(value.dtype), tuple(value.shape))).encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return str(digest.hexdigest())


def describe(part: Part, *, precision: str) -> str:
    """Say in words what a fingerprint is of, code and weights aside."""
    kind = type(part)
    names = "float32" if precision == "no" else precision
    return f"{kind.__module__}.{kind.__qualname__} in {names}, {part.config.model_dump_json()}"


@dataclass(frozen=True)
class EncoderFeatures:
    """The stored features of one frozen encoder, by the content that they were made of.

    May be sent to worker processes.

    Attributes:
        store: where they are, beside those of others.
        kind: what is encoded.
        fingerprint: of the encoder: its code, options, weights and precision.
    """

    store: FeatureStore
    kind: Kind
    fingerprint: str

    def get(self, content: str) -> dict[str, Tensor] | None:
        """Return the features of a content, if they are stored."""
        return self.store.get(self._key(content))

    def put(self, content: str, tensors: Mapping[str, Tensor]) -> bool:
        """Store the features of a content, if they are finite and the limit allows it; says so."""
        finite = all(bool(tensor.isfinite().all()) for tensor in tensors.values())
        return finite and self.store.put(self._key(content), tensors)

    def _key(self, content: str) -> str:
        return f"{self.kind}/{self.fingerprint}/{content}"


@dataclass(frozen=True)
class StoredFeatures:
    """The stored features of a method's two encoders; where there are none, inputs are encoded every time."""

    audio: EncoderFeatures | None = None
    images: EncoderFeatures | None = None


NOTHING_STORED = StoredFeatures()
