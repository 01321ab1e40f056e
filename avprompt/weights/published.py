"""Published weights as the plugins register them: which are here, fetching them, proving them right."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avprompt.errors import WeightsError
from avprompt.registry import Registry
from avprompt.weights.download import download
from avprompt.weights.files import (
    WeightFile,
    home,
    locate,
    measured_sha256,
    record_sha256,
    recorded_sha256,
    verified_sha256,
)
from avprompt.weights.hub import COMPANIONS, HubModel, is_hub_name


@dataclass(frozen=True)
class PublishedWeights:
    """A registered `WeightFile` under its name.

    Attributes:
        name: what options call it, and where it lies in `avprompt.weights.files.home()`.
        file: what is known of it.
    """

    name: str
    file: WeightFile

    @property
    def path(self) -> Path:
        """Where the weights are, or would be put."""
        place = home() / self.name
        return self._find() or (place if self.file.urls else place / self.file.files[0])

    @property
    def present(self) -> bool:
        """Whether they are here."""
        return self._find() is not None

    @property
    def sha256(self) -> str | None:
        """The SHA-256 that holds: the published one, or the one recorded at the first download."""
        return self.file.sha256 or recorded_sha256(self.path)

    def fetch(self) -> Path:
        """Return where they are, having downloaded what is not here; record an unknown SHA-256.

        Raises:
            WeightsError: they cannot be had, or what is here is another file; says what to do.
        """
        path = self._find() or (self._fetch_direct() if self.file.urls else self._fetch_from_hub())
        if self.sha256 is None:
            record_sha256(path, measured_sha256(path))
        self.verify()
        return path

    def verify(self) -> str:
        """Return the SHA-256 of the weights that are here, which is the known one if any is known.

        Raises:
            WeightsError: they are not here, or another file is in their place.
        """
        if not self.present:
            raise WeightsError(
                f"'{self.name}' is not here: {self.path} does not exist. Get it with "
                f"`avprompt weights fetch {self.name}`. {self._by_hand()}"
            )
        measured = verified_sha256(self.path)
        if self.file.sha256 not in (None, measured):
            raise WeightsError(
                f"'{self.path}' is another file than '{self.name}': its SHA-256 is {measured} instead of "
                f"{self.file.sha256}. Delete it and get it with `avprompt weights fetch {self.name}`."
            )
        return measured

    def summary(self) -> dict[str, Any]:
        """Return everything that is known, ready for JSON; None is unknown."""
        size = self.path.stat().st_size if self.present else self.file.size
        place = {"path": str(self.path), "present": self.present}
        return {"name": self.name, **asdict(self.file), "size": size, "sha256": self.sha256, **place}

    def _find(self) -> Path | None:
        if self.file.urls:
            path = locate(self.name)
            return path if path.is_file() else None
        model = HubModel(self.name)
        return next(filter(None, map(model.find, self.file.files)), None)

    def _fetch_direct(self) -> Path:
        try:
            download(self.file.urls, self.path, self.file.sha256)
        except WeightsError as error:
            raise WeightsError(f"'{self.name}' cannot be fetched: {error}\n{self._by_hand()}") from error
        return self.path

    def _by_hand(self) -> str:
        note = f" {self.file.note}" if self.file.note else ""
        return f"It is to be had from {self.file.source}; its place is {self.path}.{note}"

    def _fetch_from_hub(self) -> Path:
        model = HubModel(self.name)
        for companion in COMPANIONS:  # first, so that where the weights are nothing is missing
            model.find(companion, download=True)
        return model.find_weights(self.file.files)


def published_weights(registry: Registry) -> list[PublishedWeights]:
    """Return all registered weights by name."""
    return [PublishedWeights(name, registry.load("weights", name)) for name in registry.names("weights")]


def find_published(registry: Registry, name: str) -> PublishedWeights:
    """Return registered weights, or an unregistered repository of the hub, by name.

    Raises:
        UnknownNameError: neither; suggests the nearest registered name.
    """
    if is_hub_name(name) and name not in registry.names("weights"):
        page = f"https://huggingface.co/{name}"
        return PublishedWeights(name, WeightFile("not registered by any plugin", f"see {page}", page))
    return PublishedWeights(name, registry.load("weights", name))
