"""`avprompt compare`: several splits, several encoder sets, and methods that train nothing."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from tinyworld.runs import TINY, results, row

UNTRAINED = """
name: untrained
projection: {name: bottleneck, trained: false}
prompt: {name: fixed, words: a photo of}
decoder: {name: similarity}
masker: {name: gumbel-sigmoid, trained: false}
losses: {}
"""


class TestSplits:
    """A table for every test split that all have scored."""

    OPENSET = ("--dataset", "tiny-openset")

    def test_have_a_table_each(self, cli: Any, here: Path) -> None:
        output = cli("compare", "deaf", "oracle", *self.OPENSET, "--output", "c").stdout
        assert output.index("tiny-openset/heard") < output.index("tiny-openset/unheard")
        assert ("6 of 6 samples" in output, "4 of 4 samples" in output) == (True, True)
        saved = json.loads((here / "c/compare.json").read_text())
        assert (saved["split"], saved["splits"], saved["left_out"]) == ("heard", ["heard", "unheard"], {})

    def test_have_what_sound_and_context_are_worth(self, cli: Any, here: Path) -> None:
        arguments = ("--steps", 2, "--batch-size", 4, "--seed", 1, "--seed", 2, "--output", "c")
        output = cli("compare", "acl-ssl", "souple", *self.OPENSET, *arguments).stdout
        runs = json.loads((here / "c/compare.json").read_text())["runs"]["souple"]
        tables = output.split("tiny-openset/unheard")
        for split, table in zip(("heard", "unheard"), tables, strict=True):
            other = [run["context_reliance"][split]["other"]["shuffled"]["cIoU"] for run in runs]
            expected = f"{mean(other):.1f} ± {stdev(other):.1f}"
            assert row(table, "other context, shuffled sound")[1:] == ["", expected]
            assert [row(table, name)[1] for name in ("mean context  ", "blank context")] == ["", ""]
            assert row(table, "shuffled sound")[1] != "", "acl-ssl looks at no image, and is scored by sound"

    def test_that_only_some_have_scored_are_named(self, cli: Any, here: Path) -> None:
        cli("run", "oracle", *self.OPENSET, "--split", "unheard", "--output", "some")
        output = cli("compare", "some", "deaf", "--output", "c").stdout
        assert "tiny-openset/heard" not in output
        assert "Note: The split 'heard' is left out: some did not score it." in output
        saved = json.loads((here / "c/compare.json").read_text())
        assert (saved["splits"], saved["left_out"]) == (["unheard"], {"heard": ["some"]})

    def test_may_be_chosen_of_finished_runs(self, cli: Any, fails: Any) -> None:
        for method in ("oracle", "deaf"):
            cli("run", method, *self.OPENSET, "--output", method)
        output = cli("compare", "./oracle", "./deaf", "--split", "unheard", "--output", "c").stdout
        assert "tiny-openset/unheard" in output
        assert "tiny-openset/heard" not in output
        message = fails("compare", "./oracle", "./deaf", "--split", "test", "--output", "d")
        assert "has no scores of 'test', only of heard, unheard" in message


class TestAcrossEncoders:
    BOTH = ("--across", "encoders", "--encoders", "tiny", "--encoders", "tiny-loud")

    def test_every_method_has_a_column_for_each_set(self, cli: Any, here: Path) -> None:
        output = cli("compare", "souple", "deaf", *TINY, *self.BOTH, "--output", "c").stdout
        assert row(output, "Percent")[1:] == [
            "souple (tiny)",
            "souple (tiny-loud)",
            "deaf (tiny)",
            "deaf (tiny-loud)",
        ]
        assert row(output, "encoders")[1:] == ["tiny", "tiny-loud"] * 2
        assert row(output, "audio_encoder.gain")[1:] == ["1.0", "2.0"] * 2
        assert row(output, "training.learning_rate")[1:] == ["0.001", "0.0005", "", ""]
        assert "tiny/test, val-threshold, different encoders" in output
        runs = [here / "c" / encoders / "souple-seed0" for encoders in ("tiny", "tiny-loud")]
        assert [results(run)["encoders"] for run in runs] == ["tiny", "tiny-loud"]
        assert json.loads((here / "c/compare.json").read_text())["across"] == "encoders"

    def test_finished_runs_stand_side_by_side_when_it_is_asked_for(
        self, cli: Any, fails: Any, run: Path
    ) -> None:
        cli("run", "souple", *TINY, "--seed", 5, "--encoders", "tiny-loud", "--output", "loud")
        message = fails("compare", "run", "loud", "--output", "c")
        assert "encoders (tiny and tiny-loud)" in message
        assert "add --across encoders" in message
        output = cli("compare", "run", "loud", "--across", "encoders", "--output", "c").stdout
        assert row(output, "encoders")[1:] == ["tiny", "tiny-loud"]

    def test_encoders_are_shown_where_they_are_the_same_too(self, cli: Any) -> None:
        output = cli("compare", "deaf", "oracle", "--dataset", "tiny", "--across", "encoders").stdout
        assert row(output, "encoders")[1:] == ["tiny", "tiny"]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                ("--encoders", "tiny", "--encoders", "tiny-loud"),
                "2 encoder sets were given (tiny, tiny-loud)",
            ),
            (
                ("--across", "encoders", "--encoders", "tiny", "--encoders", "tiny"),
                "so name it once (got tiny",
            ),
            ((*BOTH, "--encoders", "tiny-lout"), "no encoder set 'tiny-lout'. Did you mean 'tiny-loud'?"),
        ],
    )
    def test_sets_that_cannot_be_columns_are_refused(self, fails: Any, options: Any, message: str) -> None:
        assert message in fails("compare", "deaf", *TINY, *options, "--output", "c")

    def test_another_comparison_has_another_folder(self, cli: Any, fails: Any) -> None:
        cli("compare", "deaf", "--dataset", "tiny", *self.BOTH, "--output", "c")
        message = fails("compare", "deaf", "--dataset", "tiny", "--output", "c")
        assert message.startswith("'c' already holds a comparison of other methods or runs")


def test_what_trains_nothing_stands_beside_what_trains(cli: Any, here: Path) -> None:
    (here / "untrained.yaml").write_text(UNTRAINED)
    output = cli("compare", "untrained.yaml", "souple", *TINY, "--output", "c").stdout
    assert row(output, "trained parameters")[1] == "0"
    assert not (here / "c/untrained-seed0/train.jsonl").exists()
    again = cli("compare", "c/souple-seed0", "c/untrained-seed0", "--output", "d").stdout
    assert row(again, "trained parameters")[2] == "0"
