"""Weight files: what is known of published ones, where they are, and proof that they are the right ones."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

from avprompt.errors import LOG, WeightsError

PACKAGE_PREFIX = "package:"
RECORD_SUFFIX = ".sha256"
HUB_WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # as transformers and timm name them
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class WeightFile:
    """What is known of published weights, registered under the name by which options refer to them.

    With `urls` that name is a file; without, it is a repository of the Hugging Face hub. Either lies
    under its name in `home()`. What nobody has published stays None: it is shown
    as unknown, and the SHA-256 that the first download measures is kept beside the file and holds from
    then on.

    Attributes:
        purpose: what they are, and which part reads them.
        licence: of the weights; "none stated" where their authors say nothing.
        source: the page where a person finds them.
        urls: direct downloads, tried in this order.
        files: in a hub repository, names of the weights; the first that it has is the one.
        size: bytes.
        sha256: 64 hexadecimal digits; with it a direct download that was cut can go on.
        note: what to know before fetching.
    """

    purpose: str
    licence: str
    source: str
    urls: tuple[str, ...] = ()
    files: tuple[str, ...] = HUB_WEIGHTS
    size: int | None = None
    sha256: str | None = None
    note: str = ""


def home() -> Path:
    """Return the folder for downloaded weights: `$AVPROMPT_HOME`, or `~/.cache/avprompt`."""
    return Path(os.environ.get("AVPROMPT_HOME", "~/.cache/avprompt")).expanduser()


def locate(reference: str) -> Path:
    """Return where a weight file is, whether or not it is there.

    Args:
        reference: a path; a file name, looked for here and then in `home()`; or
            `package:<package>/<file>`, a file that ships inside an installed package.

    Raises:
        WeightsError: a `package:` reference names a package that is not installed.
    """
    if reference.startswith(PACKAGE_PREFIX):
        package, _, inside = reference.removeprefix(PACKAGE_PREFIX).partition("/")
        spec = _find_package(package) if package.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise WeightsError(f"'{reference}' names the package '{package}', which is not installed.")
        return Path(spec.submodule_search_locations[0], inside)
    path = Path(reference).expanduser()
    return path if path.exists() or path.is_absolute() else home() / reference


def _find_package(name: str) -> ModuleSpec | None:
    """Find a package as an import in a new process would, but without running its code.

    What is loaded under that name does not count: a plugin file or a script may be called the same.
    """
    return next(filter(None, (finder.find_spec(name, None) for finder in sys.meta_path)), None)


def is_sha256(text: str | None) -> bool:
    """Say whether a text is a SHA-256: 64 hexadecimal digits."""
    return bool(text and _SHA256.fullmatch(text))


def measured_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified_sha256(path: Path) -> str:
    """Return the SHA-256 of a file that is about to be used.

    Raises:
        WeightsError: it is no longer the file whose SHA-256 was recorded.
    """
    measured, recorded = measured_sha256(path), recorded_sha256(path)
    LOG.info("weights %s, SHA-256 %s", path, measured)
    if recorded not in (None, measured):
        raise WeightsError(
            f"'{path}' is not the file that was fetched: its SHA-256 is {measured}, and {recorded} was "
            f"recorded. Fetch it again, or delete {_record(path).name} if you replaced it on purpose."
        )
    return measured


def recorded_sha256(path: Path) -> str | None:
    """Return the SHA-256 recorded beside a file, or None."""
    record, blob = _record(path), path.resolve().name
    if record.is_file():
        return record.read_text(encoding="utf-8").partition(" ")[0].strip()
    return blob if is_sha256(blob) else None  # the hub's cache links to files named so


def record_sha256(path: Path, sha256: str) -> None:
    """Record a file's SHA-256 beside it, as `sha256sum --check` reads it."""
    _record(path).write_text(f"{sha256}  {path.name}\n", encoding="utf-8")


def _record(path: Path) -> Path:
    return path.with_name(path.name + RECORD_SUFFIX)
