"""Builds the wheel, installs it where no checkout is in reach, and uses it as a newcomer would.

Run by `make wheel-test`; the environment borrows the dependencies of the one that runs this script.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
SHORT = ("--steps", "2", "--batch-size", "4")
CLIP = """
import numpy, soundfile
from PIL import Image
Image.new("RGB", (96, 96), "grey").save("clip.png")
soundfile.write("clip.wav", numpy.zeros(32000), 16000)
"""
PLUGIN = """
import avprompt
from avprompt.plugin import ContextPrompt, ImageFeatures, Register, hookimpl
from torch import Tensor


class Pooled(ContextPrompt):
    def context(self, image: ImageFeatures) -> Tensor:
        return image.pooled[:, None, :]


@hookimpl
def register_prompts(register: Register) -> None:
    register("pooled", Pooled)


def ciou(run: str) -> float:
    result = avprompt.evaluate(run, "toy", splits=["test"])
    return float(result.scores["test"]["val-threshold"]["cIoU"])
"""


def main() -> None:
    """Build, install, and run the commands that a newcomer runs first."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        wheel = build(home / "dist")
        python = environment(home / "venv")
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel), cwd=home)
        where = run(python, "-c", "import avprompt; print(avprompt.__file__)", cwd=home)
        assert str(home) in where, f"the checkout is used instead of the wheel: {where}"
        avprompt = python.with_name("avprompt")
        listed = run(avprompt, "list", "methods", cwd=home)
        assert "souple" in listed, listed
        assert "not loaded" not in run(avprompt, "plugins", cwd=home)
        run(avprompt, "run", "souple", *SHORT, "--output", "run", cwd=home)
        results = home / "run" / "results.json"
        assert results.is_file(), "a run of the installed wheel left no results"
        run(python, "-c", CLIP, cwd=home)
        run(avprompt, "localize", "clip.png", cwd=home)
        assert (home / "clip-localized.png").is_file(), "the demo of the installed wheel has drawn nothing"
        check_types(python, home)
        check_new_plugin(python, home)
    print("The wheel installs and runs in a clean environment.")


def check_types(python: Path, home: Path) -> None:
    """Let mypy see the installed types as the author of a plugin outside the project would."""
    (home / "theirs.py").write_text(PLUGIN)
    run(python, "-m", "mypy", "--strict", "theirs.py", cwd=home)
    (home / "theirs.py").write_text(PLUGIN.replace("-> Tensor", "-> str"))
    wrong = subprocess.run([python, "-m", "mypy", "--strict", "theirs.py"], cwd=home, capture_output=True)
    assert b"[override]" in wrong.stdout, "mypy does not see the types of avprompt"


def check_new_plugin(python: Path, home: Path) -> None:
    """Write a plugin as a package from the templates in the wheel, install it, test it and use it."""
    avprompt, package = python.with_name("avprompt"), home / "avprompt-haiku"
    run(avprompt, "plugins", "new", "haiku", "--kind", "prompts", cwd=home)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "-e", ".", cwd=package)
    run(python, "-m", "pytest", "-q", cwd=package)
    run(avprompt, "plugins", "check", "avprompt-haiku:haiku", cwd=home)
    run(avprompt, "run", "souple", "--set", "prompt.name=haiku", *SHORT, "--output", "haiku", cwd=home)


def build(folder: Path) -> Path:
    """Build sdist and wheel, and return the wheel."""
    run(Path(sys.executable), "-m", "build", "--outdir", str(folder), str(CHECKOUT), cwd=folder.parent)
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment(folder: Path) -> Path:
    """Make an environment that sees this one's dependencies, but not its editable checkout."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    # A path line brings packages in; `.pth` files inside that folder, such as the editable one, are not read.
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(program: Path, *arguments: str, cwd: Path) -> str:
    """Run a program without anything of the checkout on its path, and return what it printed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run([program, *arguments], cwd=cwd, env=clean, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{program.name} {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
