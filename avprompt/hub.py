"""Files of a published model: in a folder, or in a repository of the Hugging Face hub."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avprompt import weights
from avprompt.errors import WeightsError

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class HubModel:
    """A model in the hub's layout: `config.json`, weights, and whatever else belongs to it.

    Attributes:
        reference: a folder (also one inside `avprompt.weights.home()`), or a hub name.
        what: kind of model, for messages, such as "AST checkpoint".
        option: the option that names it, for messages, such as "audio_encoder.checkpoint".
    """

    reference: str
    what: str
    option: str

    @property
    def folder(self) -> Path:
        """Where the files are, or would have to be put."""
        return weights.resolve(self.reference)

    @property
    def source(self) -> str:
        """What `from_pretrained` is to be given: the folder where there is one, or the hub name."""
        return str(self.folder) if self.folder.is_dir() else self.reference

    def find(self, name: str, *, download: bool = False) -> Path | None:
        """Return one file, or None where the model has no such file or it is not here.

        Args:
            name: of the file.
            download: fetch it when it is in no cache; `HF_HUB_OFFLINE` is respected.

        Raises:
            WeightsError: the hub cannot be reached, or refuses.
        """
        if self.folder.is_dir():
            path = self.folder / name
            return path if path.is_file() else None
        if not _HUB_NAME.fullmatch(self.reference):
            return None
        return self._cached(name) or (self._download(name) if download else None)

    def find_first(self, names: Iterable[str], *, download: bool = False) -> Path:
        """Return the first of some files that the model has.

        Raises:
            WeightsError: it has none of them; the message says where to put it.
        """
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
        named = _HUB_NAME.fullmatch(self.reference)
        get = f"Get it with `hf download {self.reference}`, or put" if named else "Put"
        return WeightsError(
            f"The {self.what} '{self.reference}' is not complete here: {reason}.\n"
            f"{get} its files in {self.folder}, or name another with --set {self.option}=FOLDER."
        )

    def _cached(self, name: str) -> Path | None:
        import huggingface_hub

        path = huggingface_hub.try_to_load_from_cache(self.reference, name)
        return Path(path) if isinstance(path, str) else None

    def _download(self, name: str) -> Path | None:
        import huggingface_hub
        from huggingface_hub.utils import (  # type: ignore[attr-defined]
            EntryNotFoundError,
            LocalEntryNotFoundError,
        )

        try:
            return Path(huggingface_hub.hf_hub_download(self.reference, name))
        except LocalEntryNotFoundError as error:
            raise self.missing("the hub cannot be reached, or offline mode is on") from error
        except EntryNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self.missing(str(error).strip().partition("\n")[0].rstrip(".")) from error
