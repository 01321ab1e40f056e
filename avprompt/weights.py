"""Where weight files are, and proof that they are the right ones."""

from __future__ import annotations

import hashlib
import importlib.resources
import os
from pathlib import Path

from avprompt.errors import WeightsError

PACKAGE_PREFIX = "package:"


def home() -> Path:
    """Return the folder for downloaded weights: `$AVPROMPT_HOME`, or `~/.cache/avprompt`."""
    return Path(os.environ.get("AVPROMPT_HOME", "~/.cache/avprompt")).expanduser()


def resolve(reference: str) -> Path:
    """Return where a weight file is, whether or not it is there.

    Args:
        reference: a path; a file name, looked for here and then in `home()`; or
            `package:<package>/<file>`, a file that ships inside an installed package.

    Raises:
        WeightsError: a `package:` reference names a package that is not installed.
    """
    if reference.startswith(PACKAGE_PREFIX):
        package, _, inside = reference.removeprefix(PACKAGE_PREFIX).partition("/")
        try:
            return Path(str(importlib.resources.files(package).joinpath(inside)))
        except ModuleNotFoundError as error:
            raise WeightsError(
                f"'{reference}' names the package '{package}', which is not installed."
            ) from error
    here = Path(reference).expanduser()
    return here if here.exists() or here.is_absolute() else home() / reference


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
