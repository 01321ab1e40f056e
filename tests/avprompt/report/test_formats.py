"""Comparisons as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from avprompt.report.formats import Format, written
from avprompt.report.latex import escaped
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.comparison import SplitComparison
from avprompt.runs.results import FORMAT, Counts, RunResult
from tinyworld.runs import run_result


def result(score: float, **told: Any) -> RunResult:
    scores = {"cIoU": score, "mean_IoU": 10.0, "threshold": 0.5}
    return run_result(
        format=FORMAT,
        samples={"test": Counts(used=4, expected=5)},
        scores={"test": {"val-threshold": scores}},
        floors={"test": {"random-object": {"cIoU": 30.0}}},
        audio_reliance={"test": {"shuffled": {"cIoU": 12.5}, "distractor": {"on_original": 3.0}}},
        **told,
    )


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> SplitComparison:
    """A method with two seeds, 40 and 60 percent, and single with a single run and its interval."""
    intervals = {"test": {"val-threshold": {"cIoU": (51.25, 69.0)}}}
    two = ComparedMethod("a_b", (Path("x"), Path("y")), (result(40.0), result(60.0, seed=1)))
    single = ComparedMethod("c & d", (Path("z"),), (result(60.0, intervals=intervals),))
    monkeypatch.setattr(ComparedMethod, "per_sample", lambda *_: {})
    return SplitComparison("toy", "test", "val-threshold", (two, single))


def rows(table: SplitComparison) -> list[dict[str, str]]:
    return list(csv.DictReader(written([table], [], "csv").splitlines()))


def test_latex_is_set_as_papers_do(table: SplitComparison) -> None:
    lines = [line.strip() for line in written([table], ["a note"], "latex").splitlines()]
    assert lines[:2] == [r"% Needs \usepackage{booktabs}.", "% a note"]
    assert r"\begin{tabular}{lrrr}" in lines
    body = lines[lines.index(r"\toprule") : lines.index(r"\bottomrule")]
    assert body == [
        r"\toprule",
        r"Method & cIoU & mean IoU & shuffled sound \\",
        r"\midrule",
        r"a\_b & 50.0$_{\pm 14.1}$ & \textbf{10.0}$_{\pm 0.0}$ & 12.5$_{\pm 0.0}$ \\",
        r"c \& d & \textbf{60.00} {\tiny [51.2, 69.0]} & \textbf{10.00} & 12.50 \\",
        r"\midrule",
        r"floor: random-object & 30.00 &  &  \\",
    ]


def test_latex_says_protocol_and_samples(table: SplitComparison) -> None:
    (caption,) = [line for line in written([table], [], "latex").splitlines() if "caption" in line]
    assert "toy/test, val-threshold, mini encoders, 4 of 5 samples" in caption
    assert caption.count("{") == caption.count("}")


@pytest.mark.parametrize(
    ("text", "set_as"),
    [
        ("50 % & more_x #1 {y} $", r"50 \% \& more\_x \#1 \{y\} \$"),
        ("a\\b~c^d", r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d"),
        ("mean ± sd", r"mean $\pm$ sd"),
    ],
)
def test_latex_prints_texts_as_they_are(text: str, set_as: str) -> None:
    assert escaped(text) == set_as


def test_csv_has_a_number_in_each_row(table: SplitComparison) -> None:
    first, *others = rows(table)
    assert first == {
        **{"dataset": "toy", "split": "test", "protocol": "val-threshold", "metric": "cIoU"},
        **{"samples": "4", "expected": "5", "method": "a_b", "encoders": "mini", "seeds": "0, 1"},
        **{"kind": "score", "name": "", "mean": "50.0", "standard_deviation": "14.1421"},
        **{"low": "", "high": "", "difference": "", "difference_low": "", "difference_high": ""},
    }
    (single,) = [
        row for row in others if (row["method"], row["kind"], row["metric"]) == ("c & d", "score", "cIoU")
    ]
    assert (single["mean"], single["standard_deviation"]) == ("60.0", "")
    assert (single["low"], single["high"]) == ("51.25", "69.0")
    kinds = [(row["kind"], row["name"]) for row in others if row["method"] == "c & d"]
    assert kinds == [
        ("score", ""),
        ("score", ""),
        ("sound", "shuffled sound"),
        ("sound", "distractor's sound, on the original"),
        ("floor", "random-object"),
    ]


def test_json_has_the_same_numbers(table: SplitComparison) -> None:
    read = json.loads(written([table], ["a note"], "json"))
    assert read["notes"] == ["a note"]
    methods = read["tables"][0]["methods"]
    assert [method["interval"] for method in methods] == [None, [51.25, 69.0]]
    numbers = [f"{number['mean']}" for method in methods for number in method["numbers"]]
    assert numbers == [row["mean"] for row in rows(table)]


def test_another_protocol_has_its_scores_only(table: SplitComparison) -> None:
    for method in table.methods:
        for run in method.results:
            run.scores["test"]["other"] = {"F": 70.0}
    other = SplitComparison("toy", "test", "other", table.methods)
    assert {(row["metric"], row["kind"], row["mean"]) for row in rows(other)} == {("F", "score", "70.0")}
    assert "floor" not in written([other], [], "latex")


@pytest.mark.parametrize("form", ["markdown", "latex", "csv", "json"])
def test_each_ends_with_one_line_end(table: SplitComparison, form: Format) -> None:
    text = written([table], [], form)
    assert text == text.rstrip("\n") + "\n"
