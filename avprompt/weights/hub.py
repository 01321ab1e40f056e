"""Files of a published model: in a folder, or in a repository of the Hugging Face hub."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avprompt.errors import WeightsError
from avprompt.weights import cache
from avprompt.weights import download as downloads

# What belongs to a model beside its weights, where it has them.
COMPANIONS = (
    "config.json",
    "preprocessor_config.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
)
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_hub_name(reference: str) -> bool:
    """Say whether a reference has the form of a repository's name, `owner/name`."""
    return bool(_HUB_NAME.fullmatch(reference))


@dataclass(frozen=True)
class HubModel:
    """A model in the hub's layout: `config.json`, weights, and whatever else belongs to it.

    Attributes:
        reference: a folder, or a hub name, whose files are looked for in the folder of that name in
            `avprompt.weights.cache.home()` and in the hub's own cache, and are downloaded into the former.
        what: kind of model, for messages, such as "AST checkpoint".
        option: the option that names it, for messages, such as "audio_encoder.checkpoint".
    """

    reference: str
    what: str = "published model"
    option: str = ""

    @property
    def folder(self) -> Path:
        """Where the files are, or would have to be put."""
        return cache.resolve(self.reference)

    def find(self, name: str, *, download: bool = False) -> Path | None:
        """Return one file, or None where the model has no such file or it is not here.

        Args:
            name: of the file.
            download: fetch it when it is in no cache and offline mode is off.

        Raises:
            WeightsError: the hub cannot be reached, or refuses.
        """
        path = self.folder / name
        if path.is_file():
            return path
        if not self._on_hub():
            return None
        return self._cached(name) or (self._download(name) if download else None)

    def find_first(self, names: Iterable[str], *, download: bool = False) -> Path:
        """Return the first of some files that is here, or else the first that the model has.

        Raises:
            WeightsError: it has none of them; the message says where to put it.
        """
        names = tuple(names)
        for fetch in (False, True) if download else (False,):
            for name in names:
                if path := self.find(name, download=fetch):
                    return path
        raise self.missing(f"there is no {' or '.join(names)}")

    def find_json(self, name: str, *, download: bool = False) -> dict[str, Any] | None:
        """Return what a JSON file says, or None as `find` does.

        Raises:
            WeightsError: as `find`, or the file is no JSON object.
        """
        path = self.find(name, download=download)
        if path is None:
            return None
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise WeightsError(f"'{path}' is not a JSON object: {error}.") from error

    def missing(self, reason: str) -> WeightsError:
        """Return the error that says where the model is to be had and where to put it."""
        get = f"Get it with `avprompt weights fetch {self.reference}`, or put" if self._on_hub() else "Put"
        other = f", or name another with --set {self.option}=PATH" if self.option else ""
        return WeightsError(
            f"The {self.what} '{self.reference}' is not complete here: {reason}.\n"
            f"{get} its files in {self.folder}{other}."
        )

    def _on_hub(self) -> bool:
        """Say whether the hub may have what is not here; somebody's own folder is complete as it is."""
        own = self.folder.is_dir() and self.folder != cache.home() / self.reference
        return is_hub_name(self.reference) and not own

    def _cached(self, name: str) -> Path | None:
        import huggingface_hub

        path = huggingface_hub.try_to_load_from_cache(self.reference, name)
        return Path(path) if isinstance(path, str) else None

    def _download(self, name: str) -> Path | None:
        import huggingface_hub
        from huggingface_hub.utils import EntryNotFoundError, build_hf_headers  # type: ignore[attr-defined]

        if downloads.offline():
            raise self.missing(f"there is no {name}, and offline mode is on")
        try:
            about = huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(self.reference, name))
        except EntryNotFoundError:
            return None
        except Exception as error:  # of requests or httpx, as the version has it
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise self.missing(
                f"there is no {name}, and the hub cannot be reached or refuses ({reason})"
            ) from error
        url = huggingface_hub.hf_hub_url(self.reference, name, revision=about.commit_hash)
        known = about.etag if about.etag and _SHA256.fullmatch(about.etag) else None
        path = cache.home() / self.reference / name
        try:
            digest = downloads.download([url], path, sha256=known, headers=build_hf_headers())
        except WeightsError as error:
            raise self.missing(f"{name} cannot be fetched ({str(error).rstrip('.')})") from error
        if known:
            cache.record_checksum(path, digest)
        return path
