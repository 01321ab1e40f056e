"""The log and the state of training on a disk that fills."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from avprompt.errors import DataError
from avprompt.training.state import LOG_FILE, RESUME_FILE, StepReport, read_log
from tinyworld.bench import Bench
from tinyworld.training import log, same, trained


@pytest.fixture
def no_limit() -> Iterator[None]:
    """Give files back the size that they may have."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_log_that_cannot_be_written_loses_no_step(bench: Bench, tmp_path: Path) -> None:
    whole = trained(bench.trainer(folder=tmp_path / "whole"))
    path = tmp_path / "halves" / LOG_FILE
    lines: list[str] = []

    def fill_the_disk(step: StepReport) -> None:
        if step.step == 2:
            lines.append(path.read_text())
            path.unlink()
            path.symlink_to("/dev/full")

    with pytest.raises(DataError, match=r"train.jsonl': no space left.*Make room.*goes on with --resume"):
        replace(bench.trainer(folder=tmp_path / "halves"), on_step=fill_the_disk).run()
    path.unlink()
    path.write_text(lines[0] + '{"step": 3, "of"')  # as much of the line as had room
    assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)
    assert [step["step"] for step in log(tmp_path / "halves")] == [0, 1, 2, 4, 5]


@pytest.mark.usefixtures("no_limit")
def test_a_state_that_cannot_be_written_leaves_the_one_before(bench: Bench, tmp_path: Path) -> None:
    whole = trained(bench.trainer(folder=tmp_path / "whole"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(step: StepReport) -> None:
        if step.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))

    trainer = bench.trainer(folder=tmp_path / "halves", save_every=2, on_step=fill_the_disk)
    with pytest.raises(DataError, match=r"resume.pt': file too large. Make room.*goes on with --resume"):
        trainer.run()
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name for path in (tmp_path / "halves").iterdir()} == {LOG_FILE, RESUME_FILE}
    assert same(trained(bench.trainer(folder=tmp_path / "halves"), resume=True), whole)
    assert [step["step"] for step in log(tmp_path / "halves")] == list(range(6))


def test_a_folder_in_the_place_of_the_log_is_not_for_want_of_room(bench: Bench, tmp_path: Path) -> None:
    def take_the_place(step: StepReport) -> None:
        if step.step == 2:
            (tmp_path / LOG_FILE).unlink()
            (tmp_path / LOG_FILE).mkdir()

    with pytest.raises(DataError, match=r"train.jsonl': is a directory. A file is needed here"):
        bench.trainer(on_step=take_the_place).run()
    assert (tmp_path / RESUME_FILE).is_file()


def test_a_log_ends_where_half_a_line_is(tmp_path: Path) -> None:
    assert read_log(tmp_path) == []
    (tmp_path / LOG_FILE).write_bytes(b'{"step": 0, "left_out": ""}\n{"step": 1, "left_out": "x"}\n{"st\xff')
    assert read_log(tmp_path) == [{"step": 0, "left_out": ""}, {"step": 1, "left_out": "x"}]


@pytest.mark.parametrize(
    "line", ["3", "null", "[]", "{}", '{"step": 1}', '{"step": "1", "left_out": ""}', "[" * 9999, "1" * 9999]
)
def test_a_log_ends_where_a_line_is_of_no_step(tmp_path: Path, line: str) -> None:
    (tmp_path / LOG_FILE).write_text(f'{{"step": 0, "left_out": ""}}\n{line}\n')
    assert read_log(tmp_path) == [{"step": 0, "left_out": ""}]
