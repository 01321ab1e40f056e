"""The commands that list, fetch, check and convert weights."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from avprompt.cli import main
from fileserver import FileServer

GOLDEN = Path(__file__).resolve().parents[2] / "data" / "golden" / "acl_param_tiny.pth"
CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PLUGIN = """
from avprompt.plugin import WeightFile, hookimpl

@hookimpl
def register_weights(register):
    register("ear.pt", WeightFile("an ear", "none stated", "https://ear", urls=("{url}",)))
"""


@pytest.fixture
def plugin(server: FileServer, tmp_path: Path) -> Path:
    server.put("/ear.pt", CONTENT)
    path = tmp_path / "ears.py"
    path.write_text(PLUGIN.format(url=f"{server.address}/ear.pt"))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["weights", *map(str, arguments)])


def test_commands(home: Path, plugin: Path) -> None:
    listed = run("list", "--plugin", plugin).output
    for words in ("ear.pt", "an ear", "none stated", "https://ear", "unknown", "no"):
        assert words in listed
    assert run("path", "ear.pt", "--plugin", plugin).output == f"{home / 'ear.pt'}\n"
    missing = run("verify", "ear.pt", "--plugin", plugin)
    assert missing.exit_code == 1
    assert "Get it with `avprompt weights fetch ear.pt`" in missing.output
    fetched = run("fetch", "ear.pt", "--plugin", plugin)
    assert fetched.exit_code == 0, fetched.output
    assert DIGEST in fetched.output
    assert run("verify", "--plugin", plugin).output == f"ear.pt: {DIGEST}, as it should be\n"
    known = {
        summary["name"]: summary for summary in json.loads(run("list", "--json", "--plugin", plugin).output)
    }
    assert known["ear.pt"]["present"] is True
    assert (known["ear.pt"]["sha256"], known["ear.pt"]["size"]) == (DIGEST, len(CONTENT))


def test_a_wrong_file_fails_the_check(home: Path, plugin: Path) -> None:
    run("fetch", "ear.pt", "--plugin", plugin)
    (home / "ear.pt").write_bytes(b"something else")
    failed = run("verify", "--plugin", plugin)
    assert failed.exit_code == 1
    assert "not the file that was fetched" in failed.output


def test_nothing_is_here(home: Path) -> None:
    assert "No published weights are here" in run("verify").output


@pytest.mark.parametrize("command", [["list"], ["path", "acl-ssl.pth"], ["verify"]])
def test_looking_leaves_torch_alone(home: Path, command: list[str]) -> None:
    code = (
        "import sys\nfrom avprompt.cli import main\n"
        f"main(['weights', *{command!r}], standalone_mode=False)\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_convert(tmp_path: Path) -> None:
    target = tmp_path / "ours.safetensors"
    done = run("convert", GOLDEN, target)
    assert done.exit_code == 0, done.output
    assert done.output == f"{target}: {len(load_file(target))} tensors\n"
