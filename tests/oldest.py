"""Runs the tests of published models with the oldest releases that pyproject.toml allows.

Run by `make test-oldest`. The old releases lie over the environment that runs this script for as long as it
takes; torch stays as it is. `make test` runs the same tests with the releases that were installed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
WITH_DEPENDENCIES = ("transformers", "huggingface_hub")
ALONE = ("open_clip_torch", "timm")  # theirs include torch
TESTS = ("tests/plugins/clip", "tests/plugins/audio", "tests/avprompt/weights")
# With a newer torch, old releases are full of these.
NOT_OURS = ("FutureWarning", "DeprecationWarning")


def main() -> None:
    """Install the oldest releases in a folder of their own, and run the tests with them."""
    oldest = floors()
    with tempfile.TemporaryDirectory() as folder:
        install(folder, *(f"{name}=={oldest[name]}" for name in WITH_DEPENDENCIES))
        install(folder, "--no-deps", *(f"{name}=={oldest[name]}" for name in ALONE))
        quiet = [word for kind in NOT_OURS for word in ("-W", f"ignore::{kind}")]
        path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        tests = [sys.executable, "-m", "pytest", "-q", *quiet, *TESTS]
        sys.exit(subprocess.run(tests, cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": path}).returncode)


def floors() -> dict[str, str]:
    """Return the oldest allowed release of each dependency."""
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
    pairs = (re.fullmatch(r"([\w-]+)>=([\d.]+)", line) for line in declared)
    return {pair[1]: pair[2] for pair in pairs if pair}


def install(folder: str, *what: str) -> None:
    """Install releases into a folder."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    print("Installing", *what)
    subprocess.run([*pip, "--target", folder, *what], check=True)


if __name__ == "__main__":
    main()
