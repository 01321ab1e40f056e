"""`avprompt compare`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.results import read_results
from tinyworld.runs import TINY, results, row


@pytest.fixture
def output(cli: Any) -> str:
    return cli("compare", "deaf", "oracle", "--dataset", "tiny", "--output", "c").stdout


class TestTable:
    def test_has_scores_with_the_difference_to_the_first(self, output: str) -> None:
        deaf, oracle = (float(cell) for cell in row(output, "cIoU")[1:])
        assert oracle == 100
        assert row(output, "Δ cIoU ")[1:] == ["", f"{oracle - deaf:+.2f}"]
        assert len(row(output, "AUC")) == 3

    def test_has_parameters_floors_reliance_and_published_numbers(self, output: str) -> None:
        assert row(output, "trained parameters")[1:] == ["0", "0"]
        assert row(output, "floor: random-object")[1:] == ["50.00", "50.00"]
        assert row(output, "published cIoU (acl-sweep), trained on tiny")[1:] == ["", "98.76"]
        assert any(cell == "0.00" for cell in row(output, "shuffled"))

    def test_has_published_numbers_of_the_very_composition_only(self, cli: Any, here: Path) -> None:
        (here / "oracle.yaml").write_text("name: oracle\nbase: oracle\nprompt: {words: a picture of}\n")
        (here / "same.yaml").write_text("name: same\nbase: oracle\n")
        output = cli("compare", "oracle.yaml", "same.yaml", "--dataset", "tiny", "--output", "d").stdout
        assert row(output, "published cIoU (acl-sweep)")[1:] == ["", "98.76"]

    def test_names_the_benchmark_and_the_samples(self, output: str) -> None:
        assert "tiny/test, val-threshold, tiny encoders" in output
        assert "6 of 6 samples, seed 0" in output

    def test_of_several_seeds_has_means_and_spreads(self, cli: Any, here: Path) -> None:
        output = cli(
            "compare", "deaf", "oracle", "--dataset", "tiny", "--seed", 1, "--seed", 2, "--output", "c"
        ).stdout
        assert "2 seeds, mean ± standard deviation" in output
        assert row(output, "cIoU")[2] == "100.0 ± 0.0"
        assert {path.name for path in (here / "c").iterdir() if path.is_dir()} == {
            f"{method}-seed{seed}" for method in ("deaf", "oracle") for seed in (1, 2)
        }


class TestFormat:
    def test_alone_is_on_the_standard_output(self, cli: Any) -> None:
        command = ("compare", "deaf", "oracle", "--dataset", "tiny", "--output", "c")
        for option in (("--format", "json"), ("--json",)):
            read = json.loads(cli(*command, *option).stdout)
            assert [method["method"] for method in read["tables"][0]["methods"]] == ["deaf", "oracle"]
        head, *lines = cli(*command, "--format", "csv").stdout.splitlines()
        assert {line.count(",") >= head.count(",") for line in lines} == {True}
        assert cli(*command, "--format", "markdown").stdout.startswith("tiny/test, val-threshold, ")
        assert cli(*command, "--format", "latex").stdout.startswith("% Needs \\usepackage{booktabs}.")


def test_saves_one_picture_of_the_same_clips(output: str, here: Path) -> None:
    assert "c/compare.png" in output
    with Image.open(here / "c" / "compare.png") as picture:
        assert picture.width > 500
    saved = json.loads((here / "c" / "compare.json").read_text())
    assert saved["split"] == "test"
    assert list(saved["runs"]) == ["deaf", "oracle"]


def test_trains_with_the_same_schedule(cli: Any, here: Path) -> None:
    cli("compare", "souple", "acl-ssl", *TINY, "--seed", 3, "--output", "c")
    for method in ("souple", "acl-ssl"):
        folder = here / "c" / f"{method}-seed3"
        assert len((folder / "train.jsonl").read_text().splitlines()) == 3
        assert results(folder)["seed"] == 3


def test_takes_up_what_is_there(cli: Any, here: Path) -> None:
    command = ("compare", "deaf", "oracle", "--dataset", "tiny", "--output", "c")
    cli(*command)
    runs = [here / "c" / f"{method}-seed0" / "results.json" for method in ("deaf", "oracle")]
    before = [run.stat().st_mtime_ns for run in runs]
    cli(*command)
    assert [run.stat().st_mtime_ns for run in runs] == before


def test_finished_runs_are_not_run_again(cli: Any, here: Path, run: Path) -> None:
    shutil.copytree(run, here / "other")
    output = cli("compare", "run", "other", "--output", "c").stdout
    assert row(output, "Percent") == ["Percent", "run", "other"]
    assert [path.name for path in (here / "c").iterdir() if path.is_dir()] == []
    assert set(row(output, "Δ cIoU ")[1:]) == {"", "+0.00"}


def test_runs_of_one_name_are_told_apart(cli: Any, here: Path, run: Path) -> None:
    for folder in ("a", "b"):
        shutil.copytree(run, here / folder / "run")
    cli("compare", "a/run", "b/run", "--output", "c")
    saved = json.loads((here / "c" / "compare.json").read_text())
    assert list(saved["runs"]) == ["a/run", "b/run"]


class TestRefuses:
    def test_runs_with_other_options(self, cli: Any, fails: Any) -> None:
        cli("compare", "souple", "acl-ssl", *TINY, "--output", "c")
        message = fails("compare", "souple", "acl-ssl", *TINY, "--steps", 4, "--output", "c")
        assert "'c/souple-seed0' already holds a run with other options" in message

    def test_runs_on_other_data(self, cli: Any, fails: Any, run: Path) -> None:
        cli("run", "oracle", "--dataset", "tiny-unvalidated", "--output", "other")
        message = fails("compare", run, "other", "--output", "c")
        assert "'run' and 'other' cannot stand in one table: their dataset differ" in message

    def test_what_does_not_fit_the_second_method_before_the_first_is_trained(
        self, fails: Any, here: Path
    ) -> None:
        message = fails("compare", "souple", "maple", "--dataset", "tiny")
        assert "into 9 layers of the image tower" in message
        assert not list(here.rglob("config.yaml")), "nothing was begun"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--seed", 1), "alike: seed (5 and 1)"),
            (("--seed", 1, "--seed", 2), "alike: seed (5 and 1, 2)"),
            (("--protocol", "acl-sweep"), "cannot stand in one table: their headline differ"),
            (("--steps", 4), "training.steps (3 and 4)"),
            (("--set", "training.flip=false"), "training.flip (True and False)"),
            (("--precision", "bf16"), "precision (no and bf16)"),
        ],
    )
    def test_what_is_not_made_like_a_finished_run_before_it_is_trained(
        self, fails: Any, run: Path, options: Any, message: str
    ) -> None:
        assert message in fails("compare", "run", "acl-ssl", *options, "--output", "c")

    def test_unknown_methods(self, fails: Any) -> None:
        assert fails("compare", "suple", *TINY, "--output", "c").startswith("There is no method 'suple'")

    def test_runs_that_are_not_finished(self, fails: Any, run: Path) -> None:
        (run / "results.json").unlink()
        assert fails("compare", "run", "--output", "c") == (
            "'run' holds no finished run: there is no results.json in it."
        )


class TestFolder:
    """Nothing that was compared is overwritten by something else."""

    def test_of_another_comparison_is_left_alone(self, cli: Any, here: Path) -> None:
        cli("compare", "deaf", "oracle", "--dataset", "tiny")
        before = (here / "runs/tiny/compare/compare.json").read_bytes()
        cli("compare", "oracle", "deaf", "--dataset", "tiny")
        cli("compare", "deaf", "oracle", "--dataset", "tiny", "--seed", 1)
        assert (here / "runs/tiny/compare/compare.json").read_bytes() == before
        assert {path.name for path in (here / "runs/tiny").iterdir()} == {"compare", "compare-2", "compare-3"}

    def test_of_the_same_comparison_is_taken_again(self, cli: Any, here: Path) -> None:
        for _ in range(2):
            cli("compare", "deaf", "oracle", "--dataset", "tiny")
        assert [path.name for path in (here / "runs/tiny").iterdir()] == ["compare"]

    def test_that_was_asked_for_is_refused(self, cli: Any, fails: Any) -> None:
        cli("compare", "deaf", "--dataset", "tiny", "--output", "c")
        message = fails("compare", "oracle", "--dataset", "tiny", "--output", "c")
        assert message.startswith("'c' already holds a comparison of other methods or runs")

    @pytest.mark.parametrize("name", ["compare.png", "notes.txt"])
    def test_of_somebody_is_refused(self, fails: Any, here: Path, run: Path, name: str) -> None:
        (here / "theirs").mkdir()
        (here / "theirs" / name).write_text("theirs")
        message = fails("compare", "run", "--output", "theirs")
        assert message.startswith(f"'theirs' holds '{name}', but no comparison")

    def test_that_is_damaged_is_another(self, fails: Any, here: Path, run: Path) -> None:
        (here / "c").mkdir()
        (here / "c/compare.json").write_text("[" * 100_000)
        assert fails("compare", "run", "--output", "c").startswith("'c' already holds a comparison of other")

    def test_is_that_of_the_runs_dataset(self, cli: Any, here: Path, run: Path) -> None:
        cli("compare", "run")
        assert (here / "runs/tiny/compare/compare.json").is_file()
        assert not (here / "runs/toy").exists()

    def test_without_pictures_keeps_those_that_are_there(self, cli: Any, here: Path) -> None:
        command = ("compare", "deaf", "oracle", "--dataset", "tiny")
        cli(*command, "--pictures", 0)
        picture = here / "runs/tiny/compare/compare.png"
        assert not picture.exists()
        cli("evaluate", "oracle", "--dataset", "tiny", "--output", "a")
        cli("compare", "a")
        before = (here / "runs/tiny/compare-2/compare.png").read_bytes()
        cli("compare", "a", "--pictures", 0)
        assert (here / "runs/tiny/compare-2/compare.png").read_bytes() == before


class TestOptionsOfFinishedRuns:
    @pytest.mark.parametrize(
        ("options", "named"),
        [
            (("--strict",), "'strict'"),
            (("--set", "training.steps=1"), "'overrides'"),
            (("--seed", 0), "'seeds'"),
            (("--steps", 1, "--encoders", "tiny"), "'steps'"),
        ],
    )
    def test_that_cannot_act_are_refused(self, fails: Any, run: Path, options: Any, named: str) -> None:
        message = fails("compare", "run", *options, "--output", "c")
        assert named in message
        assert "cannot act here: only finished runs are compared" in message

    def test_may_name_any_protocol_that_all_were_scored_by(self, cli: Any, here: Path, run: Path) -> None:
        output = cli("compare", "run", "--protocol", "acl-sweep", "--output", "c").stdout
        assert "tiny/test, acl-sweep, tiny" in output
        assert row(output, "cIoU")[1] == f"{results(run)['scores']['test']['acl-sweep']['cIoU']:.2f}"
        assert "floor:" not in output
        assert "Floors, ceilings and reliance on 'test' are left out" in output

    def test_cannot_name_a_protocol_that_they_were_not_scored_by(self, fails: Any, run: Path) -> None:
        message = fails("compare", "run", "--protocol", "each-source", "--output", "c")
        assert message.startswith("'run' was not scored by 'each-source', only by val-threshold, ")
        assert "`avprompt evaluate run --protocol each-source`" in message
        several = ("--protocol", "acl-sweep", "--protocol", "val-threshold")
        assert "name one with --protocol" in fails("compare", "run", *several, "--output", "c")

    def test_are_those_of_what_is_trained_beside_them(self, cli: Any, here: Path, run: Path) -> None:
        output = cli("compare", "oracle", "run", "--output", "c").stdout
        assert "tiny/test, val-threshold, tiny encoders" in output
        assert "seed 5" in output

    def test_do_not_change_their_dataset(self, fails: Any, run: Path) -> None:
        message = fails("compare", "run", "--dataset", "toy")
        assert message.startswith("'run' was scored on 'tiny', not on 'toy'")


class TestRunsOfOtherRecipes:
    """Finished runs of one method that were trained with other steps or seeds."""

    @pytest.fixture
    def shorter(self, cli: Any, run: Path) -> str:
        cli("run", "souple", *TINY, "--steps", 2, "--seed", 6, "--output", "shorter")
        return "shorter"

    def test_are_refused(self, fails: Any, shorter: str) -> None:
        message = fails("compare", "run", shorter, "--output", "c")
        assert message.startswith(
            "'run' and 'shorter' were not made alike: seed (5 and 6), training.steps (3 and 2). "
        )
        assert "add --allow-different" in message

    def test_are_told_apart_where_they_are_asked_for(self, cli: Any, shorter: str) -> None:
        output = cli("compare", "run", shorter, "--allow-different", "--output", "c").stdout
        assert row(output, "seed")[1:] == ["5", "6"]
        assert row(output, "training.steps")[1:] == ["3", "2"]
        assert "6 of 6 samples, different seeds" in output

    def test_stay_known_when_they_are_evaluated_again(self, cli: Any, fails: Any, shorter: str) -> None:
        cli("evaluate", shorter, "--seed", 5, "--output", "again")
        assert "training.steps (3 and 2)" in fails("compare", "run", "again", "--output", "c")

    def test_of_methods_with_their_own_are_told_apart(self, cli: Any, here: Path) -> None:
        (here / "slow.yaml").write_text("name: slow\nbase: souple\ntraining: {learning_rate: 1.0e-6}\n")
        output = cli("compare", "souple", "slow.yaml", *TINY, "--output", "c").stdout
        assert row(output, "training.learning_rate")[1:] == ["0.001", "1e-06"]


class TestRunsOnOtherTruths:
    def test_of_the_same_clips_are_refused(self, cli: Any, fails: Any, vggss: Path) -> None:
        command = ("evaluate", "oracle", "--dataset", "vggss", "--data-root", vggss, "--encoders", "tiny")
        cli(*command, "--output", "before")
        entries = json.loads((vggss / "vggss.json").read_text())
        entries[2]["bbox"] = [[0.1, 0.1, 0.9, 0.9]]
        (vggss / "vggss.json").write_text(json.dumps(entries))
        cli(*command, "--output", "after")
        message = fails("compare", "before", "after", "--output", "c")
        assert "they scored the same samples of 'test' against different truths" in message

    def test_of_as_many_other_clips_are_refused(self, cli: Any, fails: Any, vggss: Path) -> None:
        command = ("evaluate", "oracle", "--dataset", "vggss", "--data-root", vggss, "--encoders", "tiny")
        for name in ("test-0", "test-1"):
            (vggss / "vggss_test.csv").write_text(f"test-2,flute\ntest-3,bell\n{name},dog\n")
            cli(*command, "--output", name)
        message = fails("compare", "test-0", "test-1", "--output", "c")
        assert "they scored different samples of 'test'" in message
        assert "Only 'test-0' has test-0. Only 'test-1' has test-1." in message


def test_values_of_a_contestant(run: Path) -> None:
    result = read_results(run)
    method = ComparedMethod("x", (run, run), (result, result))
    ciou = result.scores["test"]["val-threshold"]["cIoU"]
    assert method.values("test", "scores", "val-threshold", "cIoU") == [ciou, ciou]
    assert method.values("test", "scores", "no-such-protocol", "cIoU") == []
    assert method.values("no-such-split", "scores", "val-threshold", "cIoU") == []
