"""Files of a published model: in a folder, or in a repository of the Hugging Face hub."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avprompt.errors import WeightsError
from avprompt.weights.download import GO_ONLINE, check_fetched, offline
from avprompt.weights.files import HUB_WEIGHTS, home, is_sha256, locate, record_sha256

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


def is_hub_name(reference: str) -> bool:
    """Say whether a reference has the form of a repository's name, `owner/name`."""
    return bool(_HUB_NAME.fullmatch(reference))


@dataclass(frozen=True)
class HubModel:
    """A model in the hub's layout: `config.json`, weights, and whatever else belongs to it.

    Attributes:
        reference: a folder, or a hub name, whose files are looked for in the folder of that name in
            `avprompt.weights.files.home()` and in the hub's own cache, and are downloaded into the former.
        what: kind of model, for messages, such as "AST checkpoint".
        option: the option that names it, for messages, such as "audio_encoder.checkpoint".
    """

    reference: str
    what: str = "published model"
    option: str = ""

    @property
    def folder(self) -> Path:
        """Where the files are, or would have to be put."""
        return locate(self.reference)

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
        if not self._may_be_on_hub():
            return None
        return self._cached(name) or (self._download(name) if download else None)

    def find_weights(self, names: Iterable[str] = HUB_WEIGHTS) -> Path:
        """Return the first of some files that is here, or else the first that the hub has, fetched.

        Raises:
            WeightsError: there is none of them, or it cannot be fetched; says where to put it.
        """
        names = tuple(names)
        for download in (False, True):
            for name in names:
                if path := self.find(name, download=download):
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
        fetch = f"Get it with `avprompt weights fetch {self.reference}`, or put"
        other = f", or name another with --set {self.option}=PATH" if self.option else ""
        return WeightsError(
            f"The {self.what} '{self.reference}' is not complete here: {reason}.\n"
            f"{fetch if self._may_be_on_hub() else 'Put'} its files in {self.folder}{other}."
        )

    def _may_be_on_hub(self) -> bool:
        """Say whether the hub may have what is not here; somebody's own folder is complete as it is."""
        own = self.folder.is_dir() and self.folder != home() / self.reference
        return is_hub_name(self.reference) and not own

    def _cached(self, name: str) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        path = try_to_load_from_cache(self.reference, name)
        return Path(path) if isinstance(path, str) else None

    def _download(self, name: str) -> Path | None:
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
        from huggingface_hub.utils import EntryNotFoundError  # type: ignore[attr-defined]

        if offline():
            raise self.missing(f"there is no {name}, and offline mode is on: {GO_ONLINE} first")
        try:
            about = get_hf_file_metadata(hf_hub_url(self.reference, name))
        except EntryNotFoundError:
            return None
        except Exception as error:  # of requests or httpx, as the version has it
            reason = told(error, self.reference)
            raise self.missing(
                f"there is no {name}, and the hub cannot be reached or refuses ({reason})"
            ) from error
        sha256 = about.etag if is_sha256(about.etag) else None  # small files have another digest
        folder = home() / self.reference
        try:
            hf_hub_download(self.reference, name, revision=about.commit_hash, local_dir=folder)
            check_fetched(folder / name, sha256)
        except Exception as error:
            raise self.missing(f"{name} cannot be fetched ({told(error, self.reference)})") from error
        if sha256:
            record_sha256(folder / name, sha256)
        return folder / name


def told(error: Exception, name: str) -> str:
    """Return what the hub, or the way to it, has against a request for a repository, for a message."""
    from huggingface_hub.utils import GatedRepoError  # type: ignore[attr-defined]

    if isinstance(error, GatedRepoError):
        page = f"https://huggingface.co/{name}"
        return f"it is given to those who ask for it on {page} and log in with `hf auth login` or HF_TOKEN"
    return " ".join(str(error).split()).rstrip(".")[:250] or type(error).__name__
