"""`avprompt run` under the launchers of torch and accelerate: the run of one process, made by two."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinyworld
from mediafiles import save_picture, save_sound
from tinyworld.runs import TINY, results
from tinyworld.training import log

# Either finds a port of its own that is free.
LAUNCHERS = {
    "torchrun": ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"],
    "accelerate": ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1",
                   "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"],
}  # fmt: skip
RUN = ["run", "souple", *map(str, TINY), "--pictures", "0", "--output"]


def launch(launcher: str, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    support = Path(tinyworld.__file__).parents[1]
    paths = os.pathsep.join([str(support), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *LAUNCHERS[launcher], "-m", "avprompt", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_make_the_run_of_one(launcher: str, cli: object, here: Path, tmp_path: Path) -> None:
    track = ("--track", "tensorboard")
    done = launch(launcher, here, *RUN, "two", *track)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Everything is in two") == 1
    assert len(list((here / "two" / "tensorboard").iterdir())) == 1
    cli(*RUN, "one", *track)
    one, two = (results(here / name) for name in ("one", "two"))
    assert two["samples"] == one["samples"]
    assert two["floors"] == one["floors"]
    for mine, theirs in zip(log(here / "one"), log(here / "two"), strict=True):
        assert theirs["losses"] == pytest.approx(mine["losses"], rel=1e-4)
    names = {path.name for path in (here / "one").iterdir()}
    assert {path.name for path in (here / "two").iterdir()} == names


def test_two_processes_draw_the_clips_of_one(cli: object, here: Path) -> None:
    for name in ("a", "b", "c"):
        save_picture(here / f"clips/{name}.png")
        save_sound(here / f"clips/{name}.wav", pitch=100.0 * ord(name))
    command = [
        "run",
        "oracle",
        "--dataset",
        "folder",
        "--data-root",
        "clips",
        "--encoders",
        "tiny",
        "--output",
    ]
    done = launch("torchrun", here, *command, "two")
    assert done.returncode == 0, done.stderr
    cli(*command, "one")
    assert results(here / "two")["drawn"] == {"used": 3, "expected": 3}
    for name in ("a", "b", "c"):
        one, two = (np.load(here / run / f"heatmaps/{name}.npy") for run in ("one", "two"))
        np.testing.assert_array_equal(one, two)
    galleries = [(here / run / "gallery.png").read_bytes() for run in ("one", "two")]
    assert galleries[0] == galleries[1]


def test_a_mistake_ends_all_processes(here: Path) -> None:
    (here / "taken").mkdir()
    for name in ("config.yaml", "results.json"):
        (here / "taken" / name).write_text("name: other\n")
    done = launch("torchrun", here, *RUN, "taken")
    assert done.returncode != 0
    assert "already holds a run" in done.stderr
