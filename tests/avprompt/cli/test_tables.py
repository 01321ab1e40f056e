"""Tables on the screen."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from avprompt.cli.tables.result import print_result
from avprompt.data.benchmark import PublishedScores
from avprompt.records import Missing
from avprompt.runs.results import Counts, RunResult, Training, write_skipped
from tinyworld.runs import run_result


@pytest.fixture
def result() -> RunResult:
    return run_result(
        method="souple",
        seed=3,
        trainable_parameters=12345,
        training=Training(
            steps=1198, left_out={"no two clips that can be read": 2}, clips=Counts(used=1999, expected=2000)
        ),
        samples={"test": Counts(used=2, expected=3)},
        scores={
            "test": {
                "val-threshold": {"cIoU": 50.0, "AUC": 40.0, "mean_IoU": 30.0, "threshold": [0.25, 0.3]},
                "ezvsl-median": {"cIoU": 10.0, "AUC": 20.0, "mean_IoU": 15.0},
            }
        },
        floors={"test": {"random-object": {"cIoU": 33.3, "AUC": 30.0}}},
        ceilings={"test": {"text-prompt": {"cIoU": 95.0, "AUC": 80.0}}},
        class_supervised={"test": {"named by the tagger": {"cIoU": 77.0, "AUC": 66.0}}},
        audio_reliance={
            "test": {"silent": {"cIoU": 4.0}, "distractor": {"on_distractor": 41.0, "on_original": 9.0}}
        },
        context_reliance={
            "test": {
                "other": {"true": {"cIoU": 49.0}, "shuffled": {"cIoU": 3.0}, "silent": {"cIoU": 2.0}},
                "blank": {"true": {"cIoU": 48.0}},
            }
        },
        published=[
            PublishedScores(
                "souple", "VGGSound 144k", "test", "acl-sweep", {"cIoU": 51.25}, "verified", "a paper"
            )
        ],
        notes=["trained on [some] of the test clips"],
    )


@pytest.fixture
def printed(result: RunResult, tmp_path: Path) -> str:
    test, train = Missing("clip-9", "cannot be read [/path] [Errno 2]"), Missing("clip-1", "is not there")
    write_skipped(tmp_path / "skipped.csv", {"test": [test], "train": [train]})
    console = Console(record=True, width=200, quiet=False, file=(tmp_path / "screen").open("w"))
    result.folder = tmp_path
    print_result(result, console)
    console.file.close()
    return console.export_text()


def row(printed: str, name: str) -> list[str]:
    (line,) = [line for line in printed.splitlines() if line.strip("│ ").startswith(name)]
    return [cell.strip() for cell in line.strip("│").split("│") if cell.strip()]


def test_scores_stand_beside_floors_ceilings_and_altered_sounds(printed: str) -> None:
    assert row(printed, "val-threshold")[1:4] == ["50.00", "40.00", "30.00"]
    assert row(printed, "val-threshold")[-1] == "0.25 / 0.30"
    assert row(printed, "floor: random-object")[1:] == ["33.30", "30.00"]
    assert row(printed, "ceiling: text-prompt")[1] == "95.00"
    assert row(printed, "class-supervised: named by the tagger")[1:] == ["77.00", "66.00"]
    assert row(printed, "sound: silent")[1:] == ["4.00"]
    assert row(printed, "distractor: on it")[1:] == ["41.00"]


def test_altered_contexts_stand_beside_altered_sounds(printed: str) -> None:
    assert "cIoU under altered context and sound, val-threshold" in printed
    assert row(printed, "own  ")[1:] == ["50.00", "4.00"], "no shuffled sound was measured"
    assert row(printed, "another image's")[1:] == ["49.00", "3.00", "2.00"]
    assert row(printed, "a blank image's")[1:] == ["48.00"]
    assert "the mean of all" not in printed


def test_the_title_says_what_was_run_on_how_much(printed: str) -> None:
    assert "souple on toy/test, mini encoders, seed 3" in printed
    assert "2 of 3 samples, 12,345 trainable parameters" in printed


def test_published_scores_stand_beside_what_they_were_trained_on(printed: str) -> None:
    assert row(printed, "published: acl-sweep")[1:] == ["51.25"]
    assert "trained on VGGSound 144k" in printed


def test_training_is_told_with_what_it_left_out(printed: str) -> None:
    assert "trained for 1,198 steps on 1,999 of 2,000 clips" in printed
    assert "train: 2 steps were left out: no two clips that can be read" in printed
    assert "train: 1 of 2000 samples could not be used" in printed
    assert "clip-1: is not there" in printed


def test_what_was_left_out_is_named_as_it_is(printed: str) -> None:
    assert "1 of 3 samples could not be used" in printed
    assert "clip-9: cannot be read [/path] [Errno 2]" in printed


def test_notes_are_printed_as_they_are(printed: str) -> None:
    assert "Note: trained on [some] of the test clips" in printed


class TestWidth:
    """A pipe or a file has no width: a line that is printed there stays a line."""

    COMMANDS = (
        ("plugins",),
        ("list",),
        ("describe", "souple", "--encoders", "tiny"),
        ("data", "list"),
        ("data", "list", "vggss"),
        ("weights", "list"),
    )

    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_of_a_pipe_is_that_of_the_text(
        self, cli: Any, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
    ) -> None:
        outputs = []
        for columns in ("30", "5000"):
            monkeypatch.setenv("COLUMNS", columns)
            outputs.append(cli(*command).stdout)
        assert outputs[0] == outputs[1]

    def test_of_a_comparison_holds_five_methods(
        self, cli: Any, run: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        names = [f"souple-with-another-seed-{number}" for number in range(5)]
        for name in names:
            shutil.copytree(run, name)
        output = cli("compare", *names, "--output", "c").stdout.replace("┃", "│")
        assert row(output, "Percent") == ["Percent", *names]
        assert row(output, "trained parameters")[1:] == [row(output, "trained parameters")[1]] * 5

    def test_of_a_terminal_is_kept(self, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "40")
        monkeypatch.setenv("FORCE_COLOR", "1")
        lines = Text.from_ansi(cli("list", "methods").stdout).plain.splitlines()
        assert max(len(line) for line in lines) == 40


def test_a_protocols_own_scores_are_all_there_in_a_narrow_table() -> None:
    own = {f"{name}_adaptive": 10.0 + place for place, name in enumerate(("IIoU", "IAUC", "cIoU", "AUC"))}
    result = run_result(
        headline=("kaist-interactive", "IIoU"),
        samples={"test": Counts(used=4, expected=4)},
        scores={"test": {"kaist-interactive": {"IIoU": 1.0, "cIoU": 2.0, "AUC": 3.0, **own}}},
    )
    console = Console(width=60, record=True, file=io.StringIO())
    print_result(result.model_copy(update={"folder": Path()}), console)
    cells = [line.split("│")[-2].strip() for line in console.export_text().splitlines() if "│" in line]
    text = "".join(cells)
    for name, value in own.items():
        assert name in text
        assert f"{value:.2f}" in text
