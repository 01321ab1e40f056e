"""Runs the tests with the oldest release of every dependency that pyproject.toml allows, torch included.

Run by `make test-oldest`: an environment of its own for as long as it takes (6 GB, some 10 minutes and more).
`make test` runs the same tests with the releases that were installed, the newest ones in a fresh checkout.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = ("pytest", "pytest-xdist", "hypothesis")  # as new as they come
TESTS = ("tests/avprompt", "tests/plugins", "tests/benchmarks", "--ignore", "tests/benchmarks/speed")
# Old releases are full of these about each other.
NOT_OURS = ("FutureWarning", "DeprecationWarning")


def main() -> None:
    """Make the environment and run the tests in it."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        releases = [f"{name}=={release}" for name, release in floors().items()]
        print("Installing", *releases, flush=True)
        install(python, *releases, *TOOLS)  # pip takes these very releases, or fails
        install(python, "--no-deps", "--editable", str(CHECKOUT))
        warnings = [word for kind in NOT_OURS for word in ("-W", f"ignore::{kind}")]
        tests = [python, "-m", "pytest", "-q", "-n", "logical", "--dist", "worksteal", *warnings, *TESTS]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        sys.exit(subprocess.run(tests, cwd=CHECKOUT, env=environment).returncode)


def floors() -> dict[str, str]:
    """Return the oldest allowed release of each dependency, those of `--track` included.

    Raises:
        ValueError: a dependency is declared without one.
    """
    oldest = {}
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for line in [*project["dependencies"], *project["optional-dependencies"]["track"]]:
        pair = re.fullmatch(r"([\w-]+)>=([\d.]+)", line)
        if pair is None:
            raise ValueError(f"pyproject.toml: '{line}' names no oldest release, as in 'torch>=2.5.0'.")
        oldest[pair[1]] = pair[2]
    return oldest


def install(python: str, *what: str) -> None:
    """Install into the environment of an interpreter."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *what], check=True)


if __name__ == "__main__":
    main()
