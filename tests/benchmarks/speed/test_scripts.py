"""Every speed script runs, compares what it times, and prints its table. No time is asserted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.slow
def test_the_training_step_is_compared_with_the_published_schedule(run_script: Run) -> None:
    table = run_script("train_step.py", "--size", "mini", "--batches", 3, "--repeats", 1)
    assert [row["batch"] for row in table["figures"]] == [3]
    for row in table["figures"]:
        assert row["loss_difference"] <= 1e-4
        assert row["predicted_ratio"] > 1
        assert row["ours_peak_gib"] > 0
        assert row["floor_seconds"] > 0
    assert "torch" in table["machine"]


def test_a_profile_names_operators_and_their_share(run_script: Run) -> None:
    table = run_script("train_step.py", "--size", "mini", "--batches", 2, "--profile")
    shares = [row["share"] for row in table["figures"]]
    assert shares == sorted(shares, reverse=True)
    assert any(row["operator"] == "aten::addmm" for row in table["figures"])


def test_scoring_is_told_from_inference(run_script: Run) -> None:
    benchmarks = ("vggss", "avsbench-s4", "avatar", "is3", "toy")
    arguments = ("--sizes", "mini", "--images", 8, "--repeats", 1)
    table = run_script("evaluate.py", "--benchmarks", *benchmarks, *arguments)
    assert [row["Benchmark"] for row in table["figures"]] == list(benchmarks)
    for row in table["figures"]:
        inference, scored = row["Inference, ms an image"], row["with scores"]
        assert min(inference, scored) > 0
        assert row["On top, %"] == pytest.approx(100 * (scored / inference - 1))


def test_protocols_equal_plain_loops(run_script: Run) -> None:
    table = run_script("metrics.py", "--maps", 8, "--side", 48, "--repeats", 1)
    assert {row["Protocol"] for row in table["figures"]} >= {"val-threshold", "avsbench-official", "avatar"}


def test_the_filterbank_equals_that_of_transformers(run_script: Run) -> None:
    table = run_script("fbank.py", "--clips", 2, "--seconds", 1, "--repeats", 1, "--device", "cpu")
    assert max(row["largest difference"] for row in table["figures"]) < 1e-2


def test_the_loader_reads_files_and_shards(run_script: Run) -> None:
    table = run_script("loader.py", "--clips", 2, "--workers", 0, 1, "--repeats", 1, "--step-seconds", 2)
    names = [row["Frames"] for row in table["figures"]]
    assert names[:3] == ["frame, ms", "frame in draft, ms", "sound, ms"]
    assert {"files, 0 workers, clips/s", "shards, 1 workers, clips/s"} <= set(names)
    assert "needs 8 clips/s" in table["machine"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torchrun's rendezvous needs a POSIX host")
def test_a_step_is_scaled_by_batch_image_and_processes(run_script: Run) -> None:
    sizes = ("--batches", 2, "--sides", 96, "--processes", 2)
    rows = run_script("scaling.py", "--size", "small", *sizes)["figures"]
    assert [row["Step"] for row in rows] == ["batch 2", "images 96 pixels wide", "processes: 2"]
    assert all(row["Seconds"] > 0 and row["Peak GiB"] > 0 for row in rows)


def test_drawing_is_told_from_encoding(run_script: Run, tmp_path: Path) -> None:
    arguments = ("--videos", "half-hour", "--share", 0.001, "--rate", 5, "--folder", tmp_path)
    (row,) = run_script("people.py", *arguments)["figures"]
    assert row["Video"] == "640 x 360, 1.8 s"
    assert (row["Pictures"], row["Maps"]) == (9, 2)
    assert row["CPU, s"] > row["Encoders, CPU s"] > 0
    assert row["Multiple"] == pytest.approx(row["CPU, s"] / row["Encoders, CPU s"])
    assert row["Peak GiB"] > 0.1
