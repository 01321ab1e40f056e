"""`avprompt evaluate`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tinyworld.runs import numbers, results


class TestEvaluate:
    def test_a_run_gives_its_own_numbers(self, cli: Any, here: Path, run: Path) -> None:
        cli("evaluate", run, "--output", "again")
        assert numbers(here / "again") == numbers(run)

    def test_a_run_elsewhere(self, cli: Any, here: Path, run: Path) -> None:
        cli("evaluate", run, "--dataset", "tiny-unvalidated", "--output", "again")
        found = results(here / "again")
        assert found["dataset"] == "tiny-unvalidated"
        assert found["samples"]["test"]["used"] == 12

    def test_a_run_with_another_seed(self, cli: Any, here: Path, run: Path) -> None:
        cli("evaluate", run, "--seed", 0, "--output", "again")
        assert results(here / "again")["seed"] == 0

    def test_a_run_that_trained_nothing(self, cli: Any, here: Path) -> None:
        cli("run", "oracle", "--dataset", "tiny", "--output", "run")
        cli("evaluate", "run", "--output", "again")
        assert numbers(here / "again") == numbers(here / "run")

    def test_a_method_with_a_checkpoint(self, cli: Any, here: Path, run: Path) -> None:
        cli("evaluate", "souple", "--dataset", "tiny", "--checkpoint", run / "checkpoint.safetensors",
            "--seed", 5, "--output", "again")  # fmt: skip
        assert results(here / "again")["scores"] == results(run)["scores"]

    def test_a_method_without_one(self, fails: Any) -> None:
        message = fails("evaluate", "souple", "--dataset", "tiny")
        assert message.startswith(
            "'souple' has trained parts: give --checkpoint FILE or a finished run's folder"
        )

    def test_a_folder_that_is_no_run(self, fails: Any, here: Path) -> None:
        (here / "empty").mkdir()
        assert fails("evaluate", "empty") == "'empty' is not a run: there is no config.yaml in it."

    def test_the_seed_is_of_the_altered_sounds(self, cli: Any, here: Path) -> None:
        for seed in (0, 1):
            cli(
                "evaluate",
                "oracle",
                "--dataset",
                "tiny",
                "--seed",
                seed,
                "--save-predictions",
                "--output",
                seed,
            )
        one, other = (
            np.concatenate(
                [
                    np.load(file)["noise/heatmap"]
                    for file in sorted((here / seed / "predictions/test").iterdir())
                ]
            )
            for seed in "01"
        )
        assert not np.array_equal(one, other)


def flip_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


class TestChosenClips:
    def test_stand_in_the_gallery(self, cli: Any, here: Path, run: Path) -> None:
        cli("evaluate", run, "--clips", "test-4,test-1", "--output", "again")
        with np.load(here / "again" / "gallery.npz") as kept:
            assert kept["id"].tolist() == ["test-1", "test-4"]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                ("--clips", "test-1,nobody"),
                "--clips: no clip 'nobody' is among those that can be shown; ids are such",
            ),
            (
                ("--clips", "test-1", "--pictures", "0"),
                "--clips names clips of the gallery, and --pictures 0",
            ),
        ],
    )
    def test_are_there(self, fails: Any, run: Path, options: tuple[str, ...], message: str) -> None:
        assert fails("evaluate", run, *options, "--output", "again").startswith(message)


class TestTheCheckpointOfARun:
    def test_is_known_by_its_checksum(self, run: Path) -> None:
        sha256 = hashlib.sha256((run / "checkpoint.safetensors").read_bytes()).hexdigest()
        assert results(run)["checkpoint_sha256"] == sha256

    @pytest.mark.parametrize("command", ["evaluate", "localize i.png --audio a.wav --method"])
    def test_is_not_used_with_a_flipped_bit(self, fails: Any, run: Path, command: str) -> None:
        flip_a_bit(run / "checkpoint.safetensors")
        for file in ("i.png", "a.wav"):
            (run.parent / file).touch()
        message = fails(*command.split(), run)
        assert message.startswith(f"'{run}/checkpoint.safetensors' is not the checkpoint that the run wrote")
        assert results(run)["checkpoint_sha256"] in message

    def test_may_be_replaced_on_purpose(self, cli: Any, run: Path) -> None:
        flip_a_bit(run / "checkpoint.safetensors")
        cli("evaluate", run, "--checkpoint", run / "checkpoint.safetensors", "--output", "again")

    def test_is_none_where_nothing_is_trained(self, cli: Any, here: Path) -> None:
        cli("run", "oracle", "--dataset", "tiny", "--output", "run")
        assert results(here / "run")["checkpoint_sha256"] is None


class TestARunFromSomebodyElse:
    """Its `config.yaml` names a plugin file, which leaves a mark when it runs."""

    @pytest.fixture
    def theirs(self, here: Path, run: Path) -> Path:
        (here / "theirs.py").write_text(
            "from pathlib import Path\nfrom avprompt.plugin import hookimpl\nPath('it-ran').touch()\n\n"
            "@hookimpl\ndef register_methods(register):\n    pass\n"
        )
        tables = yaml.safe_load((run / "config.yaml").read_text())
        tables["run"]["plugins"] = [str(here / "theirs.py")]
        (run / "config.yaml").write_text(yaml.safe_dump(tables))
        return run

    @pytest.mark.parametrize(
        "command", [("evaluate",), ("localize", "i.png", "--audio", "a.wav", "--method")]
    )
    def test_runs_no_code(self, fails: Any, here: Path, theirs: Path, command: tuple[str, ...]) -> None:
        for file in ("i.png", "a.wav"):
            (here / file).touch()
        message = fails(*command, theirs)
        assert message.startswith(
            f"The run '{theirs}' names plugin files, whose code would run: '{here}/theirs.py'"
        )
        assert (
            "Add --trust (trust=True in Python) if you trust them, or name your own with --plugin" in message
        )

    def test_is_data_for_compare_and_for_a_method_file(self, cli: Any, here: Path, theirs: Path) -> None:
        cli("compare", theirs, "--output", "c")
        cli("evaluate", theirs / "config.yaml", "--dataset", "tiny", "--output", "again",
            "--checkpoint", theirs / "checkpoint.safetensors")  # fmt: skip
        assert not (here / "it-ran").exists()

    @pytest.mark.parametrize("word", [("--trust",), ("--plugin", "theirs.py")])
    def test_is_scored_with_the_users_word(
        self, cli: Any, here: Path, theirs: Path, word: tuple[str, ...]
    ) -> None:
        cli("evaluate", theirs, *word, "--output", "again")
        assert (here / "it-ran").exists()
        assert results(here / "again")["scores"] == results(theirs)["scores"]


def test_the_folder_of_an_evaluation_names_the_seed(cli: Any, here: Path, run: Path) -> None:
    for seed in (3, 4):
        cli("evaluate", run, "--seed", seed)
    folders = sorted(folder.name for folder in (here / "runs/tiny").iterdir())
    assert folders == ["souple-seed3-evaluated", "souple-seed4-evaluated"]
