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


def test_the_installation_is_not_stale() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = metadata.distribution("avprompt").entry_points.select(group="avprompt")
    stale = "stale install: run `pip install --editable .` again"
    assert {point.name: point.value for point in installed} == declared["entry-points"]["avprompt"], stale
    assert metadata.version("avprompt") == declared["version"], stale
