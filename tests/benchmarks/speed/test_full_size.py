"""The published sizes on this machine: the script checks every bit itself, here its memory is looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "speed" / "full_size.py"
LIMIT_GIB = 4


@pytest.mark.slow
def test_published_sizes_train_and_localise_within_4_gib() -> None:
    if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < LIMIT_GIB * 2**30:
        pytest.skip("this machine has less than 4 GiB of memory")
    # Two clips contrast as well as more; one thread does not wait for others on a busy machine.
    command = [sys.executable, str(SCRIPT), "--batch", "2", "--threads", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    peaks = {one["job"]: one["peak_gib"] for one in json.loads(done.stdout)}
    assert set(peaks) == {"write", "round-trip", "souple", "acl-ssl", "localize"}
    assert all(0 < peak < LIMIT_GIB for peak in peaks.values()), peaks
