"""Published numbers: each with a protocol and how far it can be trusted."""

from __future__ import annotations

import csv
from pathlib import Path

import avprompt_benchmarks
from avprompt.config.method_config import resolve
from avprompt.registry import Registry
from avprompt_benchmarks.published import COLUMNS, published
from avprompt_benchmarks.vggss import VGGSS

FILE = Path(avprompt_benchmarks.__path__[0], "published.csv")
ROWS = list(csv.DictReader(FILE.read_text(encoding="utf-8").splitlines()))


def test_every_line_is_whole() -> None:
    for row in ROWS:
        assert tuple(row) == COLUMNS
        assert all(row.values()), row
        assert row["evidence"] in ("verified", "secondary")


def test_every_line_belongs_to_a_dataset_and_one_of_its_splits(registry: Registry) -> None:
    for dataset in {row["dataset"] for row in ROWS}:
        adapter = registry.load("datasets", dataset)
        assert {scores.split for scores in published(dataset)} <= set(adapter.test_splits)
        assert adapter.published == published(dataset)


def test_protocols_are_ours_where_they_are_named_so(registry: Registry) -> None:
    others = {"not stated", "not stated, 4692 clips", "per image", "pooled over the set"}
    for row in ROWS:
        name = row["protocol"].partition(",")[0]
        assert row["protocol"] in others or name in registry.names("protocols"), row


def test_the_papers_numbers_stand_beside_vggss() -> None:
    by_method = {scores.method: scores for scores in VGGSS.published if scores.protocol == "acl-sweep"}
    assert by_method["souple"].scores == {"cIoU": 53.21, "AUC": 48.15}
    assert by_method["acl-ssl"].scores == {"cIoU": 49.46, "AUC": 46.32}
    assert by_method["souple"].evidence == "secondary"


def test_a_number_names_the_composition_that_it_was_made_with() -> None:
    """Registered methods alone stand for their papers' headlines; ablations say what differs."""
    numbers = {scores.composition: scores.scores for scores in VGGSS.published if scores.composition}
    assert numbers == {
        ("acl-ssl",): {"cIoU": 49.46, "AUC": 46.32},
        ("souple",): {"cIoU": 53.21, "AUC": 48.15},
        ("souple", "training.epochs=50"): {"cIoU": 54.76, "AUC": 49.40},
        ("souple", "prompt.context_tokens=8"): {"cIoU": 52.01, "AUC": 47.32},
        ("souple", "prompt.context_tokens=16"): {"cIoU": 51.08, "AUC": 46.93},
        ("souple", "prompt.audio_token=first"): {"cIoU": 49.91, "AUC": 46.21},
    }


def test_every_composition_is_a_method_of_its_own(registry: Registry) -> None:
    """None equals another, so that a run can stand beside one printed row at most."""
    printed = {
        (scores.encoders, *scores.composition)
        for dataset in {row["dataset"] for row in ROWS}
        for scores in published(dataset)
        if scores.composition
    }
    methods = [
        resolve(registry, method, encoders, overrides) for encoders, method, *overrides in sorted(printed)
    ]
    assert len(methods) == 6
    assert all(method != other for index, method in enumerate(methods) for other in methods[:index])


def test_methods_of_others_have_no_composition() -> None:
    for scores in published("flickr"):
        assert bool(scores.composition) == scores.method.startswith(("acl-ssl", "souple")), scores


def test_nothing_above_the_ceiling_of_the_median_rule_claims_it() -> None:
    """A perfect ranking reaches 50.54 on VGG-SS under the median."""
    for scores in VGGSS.published:
        if scores.protocol in ("ezvsl-median", "lvs-median"):
            assert scores.scores["cIoU"] < 50.54, scores


def test_numbers_of_one_split_can_be_asked_for() -> None:
    assert {scores.split for scores in published("vggss-openset", "unheard")} == {"unheard"}
