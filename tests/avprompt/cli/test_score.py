"""`avprompt score`: a dump gives the run's scores again; a damaged one gives one message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from avprompt.cli import main
from tinyworld.benchmark import Tiny
from tinyworld.runs import results

Damage = Callable[[Path], object]

FIRST, SECOND = "test/000000.npz", "test/000001.npz"
"""The batches of test-0 to test-3, and of test-4 and test-5."""


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the oracle with its heatmaps, made once."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    command = ["run", "oracle", "--dataset", "tiny", "--batch-size", "4", "--save-predictions"]
    assert CliRunner().invoke(main, [*command, "--output", str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def dump(kept: Path, here: Path) -> Path:
    """The dump of such a run, to do with as one likes."""
    return shutil.copytree(kept, here / "kept") / "predictions"


def rewrite(file: str, **changed: Any) -> Damage:
    """Put other arrays into a batch; None takes one out, a function changes it, `__` stands for a slash."""

    def damage(dump: Path) -> None:
        with np.load(dump / file) as opened:
            arrays = dict(opened)
        for key, value in changed.items():
            name = key.replace("__", "/").replace("text_prompt", "text-prompt")
            arrays[name] = value(arrays[name]) if callable(value) else value
        np.savez(dump / file, **{name: array for name, array in arrays.items() if array is not None})

    return damage


def spoilt(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """Put a value into the second sample's place."""

    def spoil(array: np.ndarray) -> np.ndarray:
        array[1] = value
        return array

    return spoil


def about(**changed: Any) -> Damage:
    """Change what the dump says of itself."""

    def damage(dump: Path) -> None:
        said = json.loads((dump / "dump.json").read_text())
        (dump / "dump.json").write_text(json.dumps(said | changed))

    return damage


def text(content: str, file: str = "dump.json") -> Damage:
    return lambda dump: (dump / file).write_text(content, encoding="latin-1")


def cut(dump: Path) -> None:
    whole = (dump / FIRST).read_bytes()
    (dump / FIRST).write_bytes(whole[: len(whole) // 2])


def flipped(dump: Path) -> None:
    content = bytearray((dump / FIRST).read_bytes())
    content[len(content) // 2] ^= 255
    (dump / FIRST).write_bytes(content)


def single(dump: Path) -> None:
    with (dump / FIRST).open("wb") as file:
        np.save(file, np.zeros(3))


def empty_archive(dump: Path) -> None:
    np.savez(dump / FIRST)


def twice(dump: Path) -> None:
    shutil.copy(dump / FIRST, dump / "test/000007.npz")


def folder_for_a_file(dump: Path) -> None:
    (dump / FIRST).unlink()
    (dump / FIRST).mkdir()


def other_split(dump: Path) -> None:
    shutil.copytree(dump / "test", dump / "tset")


def without_tests(dump: Path) -> None:
    shutil.rmtree(dump / "test")


DAMAGED: dict[str, tuple[Damage, str]] = {
    "a batch twice": (twice, "The dump has 'test-0' twice: in 'kept/predictions/test/000000.npz' and in"),
    "an id twice": (rewrite(SECOND, id=np.array(["test-4", "test-4"])), "The dump has 'test-4' twice"),
    "a batch gone": (lambda dump: (dump / SECOND).unlink(), "holds 4 samples, which are not all"),
    "an unknown id": (rewrite(SECOND, id=np.array(["test-4", "../x"])), "has '../x', which this split of"),
    "ids of numbers": (rewrite(SECOND, id=np.array([4, 5])), "'id' must be (B,) ids as text"),
    "ids of objects": (
        rewrite(SECOND, id=np.array(["test-4", "test-5"], dtype=object)),
        "must be an npz of numbers and text, not of objects",
    ),
    "no ids": (
        rewrite(SECOND, id=None),
        "'id' must be (B,) ids as text, np.array(ids, dtype=str), and is not",
    ),
    "fewer ids": (rewrite(SECOND, id=np.array(["test-4"])), "it has 1 ids and 2 maps in 'true/heatmap'"),
    "no maps": (rewrite(FIRST, true__heatmap=None), "it lacks 'true/heatmap'"),
    "no confidence": (rewrite(FIRST, silent__confidence=None), "it lacks 'silent/confidence'"),
    "an unknown condition": (
        rewrite(FIRST, silence__heatmap=np.zeros((4, 32, 32))),
        "there is no condition 'silence', only true, shuffled",
    ),
    "a path for a condition": (rewrite(FIRST, **{"../../x__heatmap": np.zeros(4)}), "no condition '../../x'"),
    "flat maps": (
        rewrite(FIRST, true__heatmap=lambda maps: maps[0]),
        "must be (B, H, W) numbers, and is float16",
    ),
    "maps of text": (
        rewrite(FIRST, true__heatmap=lambda maps: maps.astype(str)),
        "must be (B, H, W) numbers",
    ),
    "complex maps": (rewrite(FIRST, noise__heatmap=lambda maps: maps + 1j), "must be (B, H, W) numbers"),
    "NaN maps": (rewrite(FIRST, true__heatmap=spoilt(np.nan)), "must be in 0..1 everywhere, and holds nan"),
    "logits": (
        rewrite(FIRST, noise__heatmap=spoilt(-3)),
        "'noise/heatmap' must be in 0..1 everywhere, and holds -3",
    ),
    "maps of another size": (
        rewrite(FIRST, true__heatmap=lambda maps: maps[:, ::2, ::2]),
        "has maps of (16, 16) under 'true', and the truths are (32, 32): resize",
    ),
    "infinite confidence": (
        rewrite(FIRST, true__confidence=spoilt(np.inf)),
        "'true/confidence' holds NaN or inf",
    ),
    "too few confidences": (
        rewrite(FIRST, true__confidence=np.zeros(3)),
        "'true/confidence' must be (4,) numbers",
    ),
    "too few distractors": (
        rewrite(FIRST, distractor__heatmap=lambda maps: maps[:3], distractor__confidence=np.zeros(3)),
        "has 3 maps under 'distractor', and 4 of its samples have a distractor",
    ),
    "a cut file": (cut, "'kept/predictions/test/000000.npz' cannot be read: "),
    "a flipped bit": (flipped, "'kept/predictions/test/000000.npz' cannot be read"),
    "an empty file": (text("", FIRST), "'kept/predictions/test/000000.npz' cannot be read"),
    "no archive": (text("hello", FIRST), "'kept/predictions/test/000000.npz' cannot be read"),
    "a single array": (single, "'kept/predictions/test/000000.npz' cannot be read"),
    "an archive of nothing": (empty_archive, "'id' must be (B,) ids as text"),
    "a folder for a file": (folder_for_a_file, "'kept/predictions/test/000000.npz': is a directory"),
    "a folder of no split": (other_split, "has folders that do not fit the dataset: no split 'tset'"),
    "no test split": (
        without_tests,
        "has no test split to score: it must have a folder for each, such as 'test'",
    ),
    "an index of another type": (
        text("[1, 2]"),
        "'kept/predictions/dump.json' does not say what the dump is of",
    ),
    "an index without keys": (text('{"method": "x"}'), "it.dataset: Field required"),
    "an index of wrong types": (about(seed="five"), "it.seed: Input should be a valid integer"),
    "an index that is not text": (text("\xff\xfe"), "is not text in UTF-8"),
    "an index that is no JSON": (text("{"), "does not say what the dump is of"),
    "a broken published row": (about(published=[{"split": "test"}]), "it.published.0.method: Field required"),
    "another digest": (about(digests={"test": {"ids": "0"}}), "has another digest of their ids"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_dump_gives_one_message(dump: Path, fails: Any, damage: Damage, message: str) -> None:
    damage(dump)
    assert message in fails("score", "kept/predictions")


class TestScores:
    def test_are_those_of_the_run(self, cli: Any, here: Path, dump: Path) -> None:
        output = cli("score", "kept/predictions").stdout
        run, scored = results(here / "kept"), results(here / "kept/scored")
        assert scored["samples"] == run["samples"]
        assert scored["digests"] == run["digests"]
        assert scored["scores"]["test"]["acl-sweep"] == run["scores"]["test"]["acl-sweep"]
        assert "Everything is in kept/scored" in output

    def test_of_earlier_calls_are_kept(self, cli: Any, fails: Any, here: Path, dump: Path) -> None:
        cli("score", "kept/predictions", "--protocol", "acl-sweep")
        before = (here / "kept/scored/results.json").read_bytes()
        cli("score", "kept/predictions")
        assert (here / "kept/scored/results.json").read_bytes() == before
        assert results(here / "kept/scored-2")["headline"] == ["val-threshold", "cIoU"]
        assert "'kept' already holds a run" in fails("score", "kept/predictions", "--output", "kept")

    def test_stand_beside_published_ones_of_the_whole_split_only(
        self, cli: Any, here: Path, dump: Path
    ) -> None:
        about(published=[asdict(Tiny.published[0])])(dump)
        assert "98.76" in cli("score", "kept/predictions").stdout
        (dump / SECOND).unlink()
        about(digests={})(dump)
        output = cli("score", "kept/predictions").stdout
        assert "4 of 6 samples" in output
        assert "98.76" not in output

    def test_against_another_dataset_carry_its_name(self, cli: Any, here: Path, dump: Path) -> None:
        about(digests={}, published=[asdict(Tiny.published[0])])(dump)
        shutil.rmtree(dump / "validation")
        output = cli("score", "kept/predictions", "--dataset", "tiny-unvalidated").stdout
        assert results(here / "kept/scored")["dataset"] == "tiny-unvalidated"
        assert "oracle on tiny-unvalidated/test" in output
        assert "published" not in output
        assert "6 of 12 samples" in output

    def test_of_anybodys_maps(self, cli: Any, here: Path) -> None:
        said = {"method": "theirs", "dataset": "tiny", "encoders": "theirs", "seed": 0, "versions": {}}
        empty = {name: {} for name in ("samples", "scores", "floors", "ceilings", "audio_reliance")}
        (here / "maps/test").mkdir(parents=True)
        (here / "maps/dump.json").write_text(json.dumps({**said, **empty, "trainable_parameters": 0}))
        for place in range(6):
            np.savez(
                here / f"maps/test/clip {place}.npz",
                id=np.array([f"test-{place}"]),
                label=np.array(["any"]),
                **{"true/heatmap": np.full((1, 32, 32), 0.5), "true/confidence": np.ones(1, dtype=int)},
            )
        assert "theirs on tiny/test" in cli("score", "maps").stdout
        assert results(here / "scored")["samples"]["test"] == {"used": 6, "expected": 6}


class TestWhatIsNoDump:
    def test_a_run_names_its_dump(self, fails: Any, dump: Path) -> None:
        assert fails("score", "kept") == (
            "'kept' is a run. Its prediction dump is 'kept/predictions': score that."
        )

    def test_a_run_without_one_says_how_to_make_it(self, fails: Any, run: Path) -> None:
        message = fails("score", "run")
        assert message.startswith("'run' is a run that kept no predictions.")
        assert message.endswith("avprompt evaluate run --save-predictions")

    def test_nothing(self, fails: Any, here: Path) -> None:
        assert fails("score", "nowhere").startswith(
            "'nowhere' is no prediction dump: there is no such folder."
        )
        (here / "empty").mkdir()
        assert "there is no dump.json in it" in fails("score", "empty")


class TestDataRoot:
    @pytest.fixture
    def made(self, cli: Any, vggss: Path) -> Path:
        command = ("evaluate", "oracle", "--dataset", "vggss", "--data-root", vggss, "--encoders", "tiny")
        cli(*command, "--save-predictions", "--output", "made")
        return vggss

    def test_is_that_of_the_run(self, cli: Any, here: Path, made: Path) -> None:
        cli("score", "made/predictions", "--output", "again")
        assert results(here / "again")["samples"] == results(here / "made")["samples"]

    def test_is_asked_for_where_there_is_no_run(self, fails: Any, here: Path, made: Path) -> None:
        (here / "made/config.yaml").write_text("theirs: [1]")
        assert "--data-root DIR" in fails("score", "made/predictions")

    def test_with_other_truths_is_told(self, cli: Any, here: Path, made: Path) -> None:
        entries = json.loads((made / "vggss.json").read_text())
        entries[2]["bbox"] = [[0.1, 0.1, 0.9, 0.9]]
        (made / "vggss.json").write_text(json.dumps(entries))
        output = cli("score", "made/predictions").stdout
        assert "the truths of 'test' are not those that the run was scored against" in output
