"""Clones the checkout's commit into an empty folder, and gives the commands that the README promises there.

Run by `make test-extras`. It makes an environment of its own (6 GB) and trains once: ten minutes and more.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
# Of the block "Use it": what needs no more than the run that `make demo` leaves.
CLIP = """
import numpy, soundfile
from PIL import Image
Image.fromarray(numpy.random.default_rng(0).integers(0, 256, (240, 320, 3), numpy.uint8)).save("image.jpg")
soundfile.write("sound.wav", numpy.sin(numpy.arange(16000) / 5), 16000)
"""
AFTER_THE_DEMO = ("avprompt evaluate", "avprompt show", "avprompt describe", "avprompt list")


def main() -> None:
    """Clone, run `make demo`, then the README's commands about its run."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "avprompt"
        run("git", "clone", "--quiet", str(CHECKOUT), str(clone), cwd=CHECKOUT)
        run("make", "demo", f"PYTHON={sys.executable}", cwd=clone)
        left = {path.name for path in (clone / "runs/toy/souple-words-seed0").iterdir()}
        assert promised_files(clone) <= left, f"missing in the run directory: {promised_files(clone) - left}"
        for command in promised_commands(clone):
            run("sh", "-c", f"PATH={shlex.quote(str(clone / '.venv/bin'))}:$PATH {command}", cwd=clone)
        for code in (CLIP, shown_python(clone)):
            run(str(clone / ".venv/bin/python"), "-c", code, cwd=clone)
    print("The README's commands work in a fresh clone.")


def shown_python(clone: Path) -> str:
    """Return the Python that `docs/api.md` begins with."""
    section = (clone / "docs/api.md").read_text()
    return section.split("```python\n")[1].partition("```")[0]


def promised_files(clone: Path) -> set[str]:
    """Return the files that a run leaves as `docs/runs.md` says; broken samples would add one more."""
    rows = re.findall(r"^\| `(\w+\.\w+)` \|", (clone / "docs/runs.md").read_text(), flags=re.MULTILINE)
    return set(rows) - {"skipped.csv"}


def promised_commands(clone: Path) -> list[str]:
    """Return the README's commands that can be given after the demo."""
    _, _, section = (clone / "README.md").read_text().partition("## Use it")
    lines = [line.partition("#")[0].strip() for line in section.split("```")[1].splitlines()]
    commands = [line for line in lines if line.startswith(AFTER_THE_DEMO)]
    assert len(commands) >= len(AFTER_THE_DEMO), commands
    return commands


def run(*command: str, cwd: Path) -> None:
    """Run a command with nothing of this checkout on its path; stop when it fails."""
    print("+", shlex.join(command), flush=True)
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MAKE", "MFLAGS"))
    }
    subprocess.run(command, cwd=cwd, env=clean, check=True)


if __name__ == "__main__":
    main()
