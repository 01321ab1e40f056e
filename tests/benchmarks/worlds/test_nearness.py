"""The script that says how near text features lie to those of class names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import avprompt

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "worlds" / "nearness.py"


@pytest.mark.slow
def test_words_lie_on_their_names_and_an_untrained_token_does_not(tmp_path: Path) -> None:
    runs = []
    for method in ("tag-words", "acl-ssl"):
        result = avprompt.run(method, "toy", steps=1, pictures=0, output=tmp_path / method)
        runs.append(str(result.folder))
    command = [sys.executable, str(SCRIPT), *runs, "--clips", "5", "--json"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    named, heard = (row["cosine"] for row in json.loads(printed))
    assert named > 0.99
    assert heard < 0.9
