"""`--protocol`: a run scored by a protocol of one's own, which goes through everything that is shown."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import peak_hit
from avprompt.runs.compared_method import sample_value
from avprompt.runs.run import NO_WORDS, UNSAID_CLASSES
from avprompt.testing import check_protocol
from tinyworld.runs import results
from tinyworld.scenes import scene

PEAK = ("--plugin", peak_hit.__file__, "--protocol", "peak-hit")
TINY = ("--dataset", "tiny")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def oracle(cli: Any, here: Path) -> str:
    command = ("run", "oracle", *TINY, *PEAK, "--protocol", "val-threshold", "--by", "class")
    return cli(*command, "--save-predictions", "--output", "oracle").stdout


def test_keeps_its_contract() -> None:
    check_protocol(peak_hit.PeakHit())


def test_fits_a_page() -> None:
    assert len(Path(peak_hit.__file__).read_text().splitlines()) <= 30


def test_everything_goes_by_its_own_metric(oracle: str, here: Path) -> None:
    found = results(here / "oracle")
    assert found["headline"] == ["peak-hit", "hit_rate"]
    assert found["scores"]["test"]["peak-hit"] == {"hit_rate": 100}
    assert found["intervals"]["test"]["peak-hit"] == {"hit_rate": [100, 100]}
    assert set(found["intervals"]["test"]["val-threshold"]) == {"cIoU"}
    reliance = found["audio_reliance"]["test"]
    assert set(reliance["shuffled"]) == {"hit_rate"}
    assert reliance["shuffled"]["hit_rate"] < 50
    assert reliance["distractor"] == {"on_distractor": 100, "on_original": 0}
    assert found["ceilings"]["test"] == {"text-prompt": {"hit_rate": 100}}
    assert found["breakdowns"]["test"]["class"]["yellow"] == {"samples": 1, "hit_rate": 100}


def test_its_floor_is_the_share_that_the_truths_cover(oracle: str, here: Path) -> None:
    masks = [sample.truth.mask for k in range(6) if (sample := scene("test", k)).truth is not None]
    assert results(here / "oracle")["floors"]["test"] == {
        "random-pixel": {"hit_rate": pytest.approx(100 * np.mean(masks), abs=1e-4)}
    }


def test_the_table_has_its_metric_first(oracle: str) -> None:
    assert "hit rate, 95 %" in oracle
    assert oracle.index("hit rate") < oracle.index("cIoU")
    assert "floor: random-pixel" in oracle


def test_samples_are_kept_under_protocol_and_metric(oracle: str, here: Path) -> None:
    kept = rows(here / "oracle/samples.csv")
    assert list(kept[0]) == ["split", "id", "peak-hit/hit_rate", "val-threshold", "confidence"]
    assert {row["peak-hit/hit_rate"] for row in kept} == {"100.0000"}


def test_compare_pairs_its_metric(cli: Any, oracle: str, here: Path) -> None:
    cli("run", "deaf", *TINY, *PEAK, "--protocol", "val-threshold", "--output", "deaf")
    output = cli("compare", "deaf", "oracle", "--plugin", peak_hit.__file__, "--output", "c").stdout
    (paired,) = (line for line in output.splitlines() if "Δ hit rate, paired 95 %" in line)
    deaf = results(here / "deaf")["scores"]["test"]["peak-hit"]["hit_rate"]
    assert deaf < 100
    assert ".." in paired
    assert "Δ cIoU" not in output, "the protocol has no such score"
    for name in ("floor: random-pixel", "ceiling: text-prompt", "shuffled sound"):
        assert name in output


def test_compare_runs_by_it(cli: Any, here: Path) -> None:
    output = cli("compare", "deaf", "oracle", *TINY, *PEAK, "--output", "c").stdout
    assert "tiny/test, peak-hit, tiny encoders" in output


def test_what_is_not_run_yet_is_scored_as_the_finished_run_was(cli: Any, oracle: str) -> None:
    output = cli("compare", "oracle", "deaf", "--plugin", peak_hit.__file__, "--output", "c").stdout
    assert "Δ hit rate, paired 95 %" in output


def test_a_finished_run_is_scored_by_it(cli: Any, run: Path, here: Path) -> None:
    cli("evaluate", run, *PEAK, "--output", "again")
    assert list(results(here / "again")["scores"]["test"]) == ["peak-hit"]


def test_kept_predictions_score_alike(cli: Any, oracle: str, here: Path) -> None:
    cli("score", "oracle/predictions", *PEAK)
    again = results(here / "oracle/scored")
    rate = again["scores"]["test"]["peak-hit"]["hit_rate"]
    assert rate == pytest.approx(100, abs=10), "in half precision more pixels tie"
    assert again["audio_reliance"]["test"]["silent"].keys() == {"hit_rate"}


FLOORLESS = Path(peak_hit.__file__).read_text().replace("def floors(", "def unused(")
DEEP = FLOORLESS.replace('    headline = "hit_rate"\n', '    headline = "hit_rate"\n    needs = ("depth",)\n')


def test_a_protocol_without_floors_says_so(cli: Any, here: Path) -> None:
    (here / "floorless.py").write_text(FLOORLESS)
    command = ("oracle", *TINY, "--plugin", "floorless.py", "--protocol", "peak-hit")
    assert "floor: peak-hit has none" in cli("run", *command, "--output", "run").stdout
    assert results(here / "run")["floors"] == {"test": {}}
    compared = cli("compare", *command, "--output", "c").stdout
    assert [cell.strip() for cell in _line(compared, "floor").strip("│ ").split("│")] == ["floor", "none"]


def _line(output: str, name: str) -> str:
    (line,) = (line for line in output.splitlines() if line.strip("│ ").startswith(name))
    return line


def test_what_samples_lack_is_told_before_anything_is_trained(fails: Any, here: Path) -> None:
    (here / "deep.py").write_text(DEEP)
    message = fails(
        "run", "souple", *TINY, "--plugin", "deep.py", "--protocol", "peak-hit", "--output", "run"
    )
    assert "The protocol 'peak-hit' needs 'depth' of every sample" in message
    assert "of the benchmark 'tiny' has no such entry in Sample.extra" in message


def test_an_unknown_protocol_is_named_with_the_nearest(fails: Any) -> None:
    assert "val-threshold" in fails("run", "oracle", *TINY, "--protocol", "val-treshold")


def test_old_runs_tell_ciou_by_their_iou() -> None:
    row = {"id": "a", "val-threshold": "50.0000", "peak-hit/hit_rate": "25.0000", "avatar": ""}
    assert sample_value(row, "val-threshold", "cIoU") == 1
    assert sample_value({"val-threshold": "49.9999"}, "val-threshold", "cIoU") == 0
    assert sample_value(row, "val-threshold", "AP") is None, "no mean over samples, and no column"
    assert sample_value(row, "avatar", "cIoU") is None, "it does not count"
    assert sample_value(row, "peak-hit", "hit_rate") == 0.25


def test_a_headline_of_altered_sounds_says_that_words_have_no_row(cli: Any, here: Path) -> None:
    cli("evaluate", "oracle", *TINY, "--protocol", "negative-audio", "--output", "negative")
    result = results(here / "negative")
    assert result["ceilings"] == {"test": {}}
    assert NO_WORDS in result["notes"]
    assert UNSAID_CLASSES not in result["notes"]


def test_images_are_not_cut_apart_before_anything_is_written(fails: Any) -> None:
    options = ("--protocol", "kaist-interactive", "--by", "size")
    assert "a breakdown by size would cut images apart" in fails("run", "souple", *TINY, *options)
