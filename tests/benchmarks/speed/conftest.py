"""The folder of the speed scripts, importable and ready to be run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "benchmarks" / "speed"


@pytest.fixture(scope="session", autouse=True)
def _importable() -> None:
    sys.path.insert(0, str(SCRIPTS))


@pytest.fixture(scope="session")
def run_script() -> Callable[..., Any]:
    """Run a script with `--json` on one thread and return what it prints."""

    def run(name: str, *arguments: object) -> Any:
        command = [sys.executable, str(SCRIPTS / name), *map(str, arguments), "--threads", "1", "--json"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
