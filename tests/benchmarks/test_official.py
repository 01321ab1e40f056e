"""The official annotations: what they hold, and the floors and ceilings that follow from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.data.benchmark import Annotation, BenchmarkAdapter, BoxCounts
from avprompt.metrics.floors import ceilings, floors
from avprompt.records import GroundTruth
from avprompt.registry import Registry

WHOLE = [
    ("vggss", "test"),
    ("vggss-heard", "heard"),
    ("vggss-unheard", "unheard"),
    ("vggss-extended", "test"),
    ("is3", "test"),
    ("vpo-ss", "test"),
    ("vpo-ms", "test"),
    ("avsbench-s4-boxes", "test"),
    ("avsbench-ms3-boxes", "test"),
]


@pytest.fixture
def official(registry: Registry, shared: Path) -> dict[str, BenchmarkAdapter]:
    return {name: registry.load("datasets", name)(shared / "metadata") for name, _ in WHOLE}


def truths(annotations: list[Annotation]) -> list[GroundTruth]:
    return [annotation.truth for annotation in annotations]


@pytest.mark.parametrize(("name", "split"), WHOLE)
def test_annotations_hold_what_is_known_of_them(
    official: dict[str, BenchmarkAdapter], name: str, split: str
) -> None:
    adapter = official[name]
    annotations = adapter.annotations(split)
    assert len(annotations) == adapter.expected[split] == adapter.box_counts[split].samples
    counts = (annotation.counts for annotation in annotations)
    assert sum(counts, BoxCounts()) == adapter.box_counts[split]


@pytest.mark.parametrize(
    ("name", "split", "ciou", "auc"),
    [
        ("vggss", "test", 50.54, 49.47),
        ("vggss-heard", "heard", 48.36, 48.20),
        ("vggss-unheard", "unheard", 52.39, 50.55),
        ("is3", "test", 58.61, 55.50),
        ("vpo-ss", "test", 43.26, 39.52),
        ("vpo-ms", "test", 39.17, 38.34),
        ("avsbench-s4-boxes", "test", 58.86, 53.81),
        ("avsbench-ms3-boxes", "test", 52.50, 48.09),
    ],
)
def test_a_perfect_ranking_reaches_the_known_ceiling(
    official: dict[str, BenchmarkAdapter], name: str, split: str, ciou: float, auc: float
) -> None:
    scores = ceilings(truths(list(official[name].annotations(split))))["oracle-ranking"]
    assert scores == pytest.approx({"cIoU": ciou, "AUC": auc}, abs=0.05)


def test_guesses_on_vggss_score_the_known_floors(official: dict[str, BenchmarkAdapter]) -> None:
    scores = floors(truths(list(official["vggss"].annotations("test"))))
    assert scores["whole-image"] == pytest.approx({"cIoU": 21.95, "AUC": 31.25}, abs=0.05)
    assert scores["centre-disc"] == pytest.approx({"cIoU": 34.02, "AUC": 37.44}, abs=0.05)
    assert scores["mean-truth"] == pytest.approx({"cIoU": 34.51, "AUC": 37.76}, abs=0.05)


def test_two_samples_of_vggss_have_no_whole_box(official: dict[str, BenchmarkAdapter]) -> None:
    annotations = official["vggss"].annotations("test")
    unmarked = [annotation.id for annotation in annotations if annotation.counts.unmarked]
    assert unmarked == ["M1P1xla8rg0_000000", "MKC9LvRivTM_000030"]


def test_heard_and_unheard_share_no_clip_and_no_class(official: dict[str, BenchmarkAdapter]) -> None:
    heard, unheard = (official[f"vggss-{half}"].clips(half) for half in ("heard", "unheard"))
    for attribute in ("id", "label"):
        assert not {getattr(clip, attribute) for clip in heard} & {
            getattr(clip, attribute) for clip in unheard
        }
    assert len({clip.label for clip in heard}) == len({clip.label for clip in unheard}) == 110


def test_every_sample_without_media_is_missing_with_its_reason(official: dict[str, BenchmarkAdapter]) -> None:
    split = official["avsbench-ms3-boxes"].split("test")
    assert (len(split.samples), len(split.missing), split.expected) == (0, 320, 320)
    assert split.missing[0].reason.startswith("no picture: visual_frames/")


def test_real_clips_are_read(registry: Registry, shared: Path) -> None:
    split = registry.load("datasets", "vggss")(shared / "data/clips").split("test")
    assert (len(split.samples), split.expected) == (24, 27)
    assert {missing.id[:5] for missing in split.missing} == {"video"}
