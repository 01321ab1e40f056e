"""`avprompt run`, from names to a run directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from safetensors.torch import load_file

from avprompt import __version__
from avprompt.runs.results import RunResult, read_results
from tinyworld.encoders import CHECKSUM
from tinyworld.runs import TINY, numbers, results, rows


class TestDirectory:
    def test_holds_what_is_promised(self, run: Path) -> None:
        promised = "config.yaml results.json samples.csv train.jsonl checkpoint.safetensors gallery.png"
        assert {path.name for path in run.iterdir()} >= set(promised.split())
        assert not list(run.glob(".*"))  # nothing half-written
        assert not (run / "resume.pt").exists()

    def test_config_is_the_resolved_method(self, run: Path) -> None:
        config = yaml.safe_load((run / "config.yaml").read_text())
        assert config["name"] == "souple"
        assert config["backbone"] == {"name": "tiny-clip"}
        assert config["training"]["steps"] == 3
        assert config["prompt"]["reduction"] == 16
        assert config["run"]["seed"] == 5
        assert config["run"]["dataset"] == "tiny"

    def test_checkpoint_holds_the_trained_parts(self, run: Path) -> None:
        parts = {name.partition(".")[0] for name in load_file(run / "checkpoint.safetensors")}
        assert parts == {"projection", "prompt", "decoder", "masker"}

    def test_a_loss_used_twice_is_logged_twice(self, cli: Any, here: Path) -> None:
        twice = "losses.image-sharp={part: image-contrastive, weight: 2}"
        cli("run", "souple", *TINY, "--set", twice, "--output", "twice")
        first = json.loads((here / "twice/train.jsonl").read_text().splitlines()[0])
        terms = first["losses"]
        assert terms["image-sharp"] == pytest.approx(2 * terms["image-contrastive"])
        config = yaml.safe_load((here / "twice/config.yaml").read_text())
        assert config["losses"]["image-sharp"]["part"] == "image-contrastive"
        cli("evaluate", "twice", "--output", "again")
        assert results(here / "again")["scores"] == results(here / "twice")["scores"]

    def test_samples(self, run: Path) -> None:
        found = rows(run / "samples.csv")
        assert [row["id"] for row in found] == [f"test-{index}" for index in range(6)]
        assert set(found[0]) == {"split", "id", "val-threshold", "acl-sweep", "ezvsl-median", "confidence"}
        assert all(0 <= float(row["acl-sweep"]) <= 100 for row in found)

    def test_log(self, run: Path) -> None:
        lines = [json.loads(line) for line in (run / "train.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines] == [0, 1, 2]

    def test_gallery_is_a_picture(self, run: Path) -> None:
        with Image.open(run / "gallery.png") as picture:
            assert picture.width > 500


class TestResults:
    def test_have_the_promised_schema(self, run: Path) -> None:
        found = results(run)
        assert [found[key] for key in ("method", "dataset", "encoders")] == ["souple", "tiny", "tiny"]
        assert (found["seed"], found["trainable_parameters"]) == (5, 8617)
        assert found["versions"]["avprompt"] == __version__
        assert found["versions"]["plugin tinyworld:tinyworld"] == "1.0"
        assert found["samples"] == {"test": {"used": 6, "expected": 6}}
        assert set(found["scores"]["test"]) == {"val-threshold", "acl-sweep", "ezvsl-median"}
        assert {"cIoU", "AUC", "mean_IoU", "threshold"} <= set(found["scores"]["test"]["val-threshold"])
        sweep = found["scores"]["test"]["acl-sweep"]["by_threshold"]
        assert list(sweep) == [f"{k / 20:.2f}" for k in range(1, 20)]
        assert set(sweep["0.50"]) == {"cIoU", "AUC", "mean_IoU"}
        for floor in ("centre-disc", "whole-image", "random-object", "all-objects"):
            assert set(found["floors"]["test"][floor]) == {"cIoU", "AUC"}
        assert "oracle-ranking" in found["ceilings"]["test"]
        reliance = found["audio_reliance"]["test"]
        assert all(set(reliance[name]) == {"cIoU"} for name in ("shuffled", "silent", "noise", "off-screen"))
        assert set(reliance["distractor"]) == {"on_distractor", "on_original"}
        every = {sound: {"cIoU"} for sound in ("true", "shuffled", "silent")}
        contexts = {
            context: {sound: set(scores) for sound, scores in sounds.items()}
            for context, sounds in found["context_reliance"]["test"].items()
        }
        assert contexts == {"other": every, "mean": every, "blank": {"true": {"cIoU"}}}
        assert found["checksums"] == CHECKSUM
        assert set(found["seconds"]) == {"training", "evaluation"}

    def test_can_be_read_back(self, run: Path) -> None:
        assert read_results(run) == RunResult(**results(run), folder=run)

    def test_are_printed_with_floors_and_audio_reliance(self, cli: Any) -> None:
        output = cli("run", "oracle", "--dataset", "tiny", "--output", "run").stdout
        for words in (
            "val-threshold",
            "100.00",
            "random-object",
            "oracle-ranking",
            "shuffled",
            "6 of 6 samples",
        ):
            assert words in output

    def test_have_no_altered_contexts_of_a_prompt_that_does_not_look(self, cli: Any, here: Path) -> None:
        output = cli("run", "oracle", "--dataset", "tiny", "--output", "run").stdout
        assert results(here / "run")["context_reliance"] == {}
        assert "altered context" not in output

    def test_are_the_same_for_the_same_seed(self, cli: Any, here: Path) -> None:
        for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
            cli("run", "souple", *TINY, "--seed", seed, "--output", folder)
        assert numbers(here / "a") == numbers(here / "b")
        weights = [
            load_file(here / name / "checkpoint.safetensors")["projection.expand.weight"] for name in "abc"
        ]
        assert (weights[0] == weights[1]).all()
        assert not (weights[0] == weights[2]).all()

    def test_only_of_the_splits_that_are_asked_for(self, cli: Any, here: Path) -> None:
        cli("run", "oracle", "--dataset", "tiny", "--split", "validation", "--output", "run")
        assert list(results(here / "run")["scores"]) == ["validation"]

    def test_on_a_benchmark_that_chooses_no_threshold(self, cli: Any, here: Path) -> None:
        cli("run", "oracle", "--dataset", "tiny-segmented", "--output", "run")
        found = results(here / "run")
        assert list(found["scores"]["test"]) == ["avsbench-dataset"]
        assert found["audio_reliance"]["test"]["shuffled"] == {"mIoU": pytest.approx(0, abs=1)}


class TestOptions:
    def test_the_folder_is_named_after_the_run(self, cli: Any, here: Path) -> None:
        for expected in ("oracle-seed2", "oracle-seed2-2"):
            cli("run", "oracle", "--dataset", "tiny", "--seed", 2)
            assert (here / "runs" / "tiny" / expected / "results.json").is_file()

    def test_set_and_plugin(self, cli: Any, here: Path) -> None:
        (here / "mine.py").write_text(
            "from avprompt.plugin import hookimpl\n"
            "from avprompt.model.context_prompt import ContextPrompt\n\n"
            "class Bare(ContextPrompt):\n"
            "    def context(self, image):\n"
            "        return image.pooled[:, None, :]\n\n"
            "@hookimpl\n"
            "def register_prompts(register):\n"
            "    register('bare', Bare)\n"
        )
        cli("run", "souple", *TINY, "--plugin", "mine.py", "--set", "prompt.name=bare", "--output", "run")
        assert yaml.safe_load((here / "run" / "config.yaml").read_text())["prompt"]["name"] == "bare"
        assert results(here / "run")["versions"]["plugin mine.py"] == "file"
        cli("evaluate", "run", "--plugin", "mine.py", "--output", "again")
        assert numbers(here / "again") == numbers(here / "run")

    def test_epochs_instead_of_steps(self, cli: Any, here: Path) -> None:
        cli("run", "acl-ssl", "--dataset", "tiny", "--epochs", 2, "--batch-size", 7, "--output", "run",
            "--set", "training.steps=1")  # fmt: skip
        assert len((here / "run" / "train.jsonl").read_text().splitlines()) == 4

    def test_a_yaml_file_is_a_method(self, cli: Any, here: Path) -> None:
        (here / "mine.yaml").write_text(cli("show", "coop").stdout.replace("name: coop\n", "name: mine\n", 1))
        cli("run", "mine.yaml", *TINY, "--output", "run")
        assert results(here / "run")["method"] == "mine"

    def test_changed_encoders_are_not_passed_off_as_the_set(self, cli: Any, here: Path) -> None:
        cli("run", "oracle", "--dataset", "tiny", "--set", "decoder.scale=50", "--output", "same")
        assert results(here / "same")["encoders"] == "tiny"

    def test_untrained_methods_are_only_scored(self, cli: Any, here: Path) -> None:
        cli("run", "oracle", "--dataset", "tiny", "--output", "run")
        assert not (here / "run" / "train.jsonl").exists()
        assert results(here / "run")["trainable_parameters"] == 0

    def test_checkpoint_instead_of_training(self, cli: Any, here: Path, run: Path) -> None:
        cli(
            "run",
            "souple",
            *TINY,
            "--seed",
            5,
            "--checkpoint",
            run / "checkpoint.safetensors",
            "--output",
            "again",
        )
        assert not (here / "again" / "train.jsonl").exists()
        assert results(here / "again")["scores"] == results(run)["scores"]


class TestBrokenSamples:
    def test_are_counted_listed_and_printed(self, cli: Any, here: Path) -> None:
        output = cli("run", "acl-ssl", *TINY, "--dataset", "tiny-broken", "--output", "run").stdout
        assert results(here / "run")["samples"] == {"test": {"used": 4, "expected": 7}}
        skipped = {(row["split"], row["id"]): row["reason"] for row in rows(here / "run" / "skipped.csv")}
        assert {name for split, name in skipped if split == "test"} == {"test-gone", "test-1", "test-3"}
        assert ("train", "train-gone") in skipped
        assert any(split == "train" and "no-such" in reason for (split, _), reason in skipped.items())
        assert "3 of 7 samples could not be used" in output
        assert "test-1: no-such-image.png does not exist" in output

    def test_a_step_without_two_clips_is_told(self, cli: Any, here: Path, run: Path) -> None:
        broken = ("--dataset", "tiny-broken", "--steps", 7, "--batch-size", 2)
        output = cli("run", "acl-ssl", *broken, "--output", "few").stdout
        training = results(here / "few")["training"]
        left_out = training["left_out"]["no two clips that can be read"]
        assert left_out > 0
        assert training["steps"] == 7 - left_out
        assert training["clips"] == {"used": 8, "expected": 15}
        assert f"trained for {7 - left_out} steps on 8 of 15 clips" in output
        assert f"train: {left_out} steps were left out: no two clips that can be read" in output
        assert results(run)["training"] == {
            "steps": 3, "left_out": {}, "clips": {"used": 14, "expected": 14},
        }  # fmt: skip

    def test_no_file_where_there_are_none(self, run: Path) -> None:
        assert not (run / "skipped.csv").exists()
