"""What is imported when, and whether the installation is the checkout's."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WATCHED = """
import sys
from avprompt.cli import main
try:
    main({arguments!r})
except SystemExit as done:
    assert not done.code, done.code
heavy = {{"torch", "transformers", "timm", "open_clip", "PIL", "av"}} & set(sys.modules)
print("HEAVY", sorted(heavy))
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["plugins"], ["list"], ["list", "prompts"]]
)
def test_commands_that_only_look_leave_torch_alone(arguments: list[str]) -> None:
    code = WATCHED.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"


MISTAKES = {
    "method": (["run", "soupel"], "Did you mean 'souple'?"),
    "method file": (["run", "gone.yaml"], "There is no method file 'gone.yaml'."),
    "method to describe": (["describe", "soupel"], "Did you mean 'souple'?"),
    "methods to compare": (["compare", "souple", "acl-ss"], "Did you mean 'acl-ssl'?"),
    "dataset": (["run", "souple", "--dataset", "vgss"], "Did you mean 'vggss'?"),
    "encoder set": (["run", "souple", "--encoders", "mni"], "Did you mean 'mini'?"),
    "part": (["run", "souple", "--set", "prompt.name=metanett"], "Did you mean 'metanet'?"),
    "table": (["run", "souple", "--set", "promt.words=x"], "Did you mean 'prompt'?"),
    "training option": (["run", "souple", "--set", "training.stpes=1"], "Did you mean 'steps'?"),
    "form of --set": (["run", "souple", "--set", "words"], "--set takes part.option=value"),
    "checkpoint": (["run", "souple", "--checkpoint", "gone.st"], "There is no checkpoint 'gone.st'"),
    "plugin": (["run", "souple", "--plugin", "gone.py"], "there is no such file"),
    "picture": (
        ["localize", "--method", "souple", "gone.png", "--audio", "a.wav"],
        "gone.png does",
    ),
}
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # importing it is an error
from avprompt.cli import main
main({arguments!r})
"""


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_wrong_name_is_told_before_torch_is_imported(arguments: list[str], message: str) -> None:
    code = WITHOUT_TORCH.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr


def test_the_installation_is_not_stale() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = metadata.distribution("avprompt").entry_points.select(group="avprompt")
    stale = "stale install: run `pip install --editable .` again"
    assert {point.name: point.value for point in installed} == declared["entry-points"]["avprompt"], stale
    assert metadata.version("avprompt") == declared["version"], stale
