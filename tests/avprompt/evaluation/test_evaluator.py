"""The evaluation loop, on methods whose answers are known."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avprompt.errors import ConfigError, DataError, EvaluationError, PluginError, WeightsError
from avprompt.evaluation.evaluator import Evaluator
from avprompt.evaluation.measure import MeasuredSamples
from avprompt.evaluation.score import SplitScores, sample_rows, score
from avprompt.metrics.protocol import Measurements, Protocol
from avprompt.metrics.scored_maps import ScoredMaps
from avprompt.metrics.threshold import GRID
from avprompt.records import Audio, GroundTruth, ImageFeatures, Missing, Sample, Split
from tinyworld.bench import Bench
from tinyworld.benchmark import Broken, Tiny, Unvalidated
from tinyworld.scenes import CLASSES, COLOURS, scene


def split_of(samples: list[Sample]) -> Split:
    return Split(samples, expected=len(samples))


def scored(evaluator: Evaluator, world: Tiny | None = None) -> SplitScores:
    world = world or Tiny()
    validation = None
    if world.validation_split:
        validation = evaluator.measure(world.split(world.validation_split), altered=False)
    test = evaluator.measure(world.split("test"), altered=True)
    return score(test, validation, evaluator.protocols)


class TestOracle:
    """It marks what sounds, and nothing else."""

    @pytest.fixture
    def scores(self, bench: Bench) -> SplitScores:
        return scored(bench.evaluator(bench.method("oracle")))

    def test_hears_everything(self, scores: SplitScores) -> None:
        assert scores.scores["val-threshold"]["cIoU"] == 100
        assert scores.scores["acl-sweep"]["cIoU"] == 100

    def test_is_lost_under_another_sound(self, scores: SplitScores) -> None:
        for condition in ("shuffled", "silent", "off-screen"):
            assert scores.audio_reliance[condition] == {"cIoU": 0}

    def test_follows_the_distractors_sound(self, scores: SplitScores) -> None:
        assert scores.audio_reliance["distractor"] == {"on_distractor": 100, "on_original": 0}

    def test_stands_on_floors_and_under_ceilings(self, scores: SplitScores) -> None:
        # Two squares of one size: one in two guesses is right, and both together have an IoU of a half.
        assert scores.floors["random-object"] == {"cIoU": 50, "AUC": pytest.approx(51.25)}
        assert scores.floors["all-objects"]["cIoU"] == 100
        assert {"centre-disc", "whole-image", "mean-truth"} <= set(scores.floors)
        assert scores.ceilings["text-prompt"]["cIoU"] == 100
        assert "oracle-ranking" in scores.ceilings


def test_a_deaf_method_scores_the_same_under_every_sound(bench: Bench) -> None:
    scores = scored(bench.evaluator(bench.method("deaf")))
    true = scores.scores["val-threshold"]["cIoU"]
    reliance = {name: table.get("cIoU") for name, table in scores.audio_reliance.items()}
    reliance.pop("distractor")
    assert reliance == dict.fromkeys(("shuffled", "silent", "noise", "off-screen"), true)
    assert scores.audio_reliance["distractor"]["on_original"] == true


class TestThresholds:
    def test_without_a_validation_split_each_fold_is_scored_by_the_others(self, bench: Bench) -> None:
        scores = scored(bench.evaluator(bench.method("oracle")), Unvalidated())
        assert len(scores.scores["val-threshold"]["threshold"]) == 2
        assert scores.scores["val-threshold"]["cIoU"] == 100

    def test_come_from_the_validation_split(self, bench: Bench) -> None:
        evaluator = bench.evaluator(bench.method("deaf"))
        test = evaluator.measure(Tiny().split("test"), altered=False)
        validation = evaluator.measure(Tiny().split("validation"), altered=False)
        iou = validation.values["true", "val-threshold"]["iou"]
        iou[:] = 0
        iou[:, 3] = 1  # as if 0.20 had been perfect there
        scores = score(test, validation, evaluator.protocols)
        assert scores.scores["val-threshold"]["threshold"] == 0.2


class TestMissing:
    def measured(self, bench: Bench, split: Split) -> MeasuredSamples:
        return bench.evaluator(bench.method("oracle")).measure(split, altered=True)

    def test_images_and_sounds_are_named(self, bench: Bench) -> None:
        measured = self.measured(bench, Broken().split("test"))
        assert measured.ids == ["test-0", "test-2", "test-4", "test-5"]
        reasons = {missing.id: missing.reason for missing in measured.missing.values()}
        assert list(reasons) == ["test-1", "test-3"]
        assert "no-such-image.png" in reasons["test-1"]
        assert "no-such-sound.wav" in reasons["test-3"]

    def test_the_others_are_scored_as_if_nothing_were(self, bench: Bench) -> None:
        broken = self.measured(bench, Broken().split("test"))
        whole = self.measured(bench, Tiny().split("test"))
        at = [whole.ids.index(name) for name in broken.ids]
        for key in (("true", "val-threshold"), ("distractor/on-distractor", "val-threshold")):
            np.testing.assert_allclose(broken.values[key]["iou"], whole.values[key]["iou"][at])

    def test_everything(self, bench: Bench) -> None:
        gone = [replace(scene("test", index), image=Path("gone.png")) for index in range(2)]
        with pytest.raises(DataError, match=r"No sample can be scored: gone.png does not exist"):
            self.measured(bench, split_of(gone))
        with pytest.raises(DataError, match=r"No sample can be scored: the split is empty"):
            self.measured(bench, split_of([]))
        silent = [replace(scene("test", index), audio=Path("gone.wav")) for index in range(2)]
        with pytest.raises(DataError, match=r"No sample can be scored: gone.wav"):
            self.measured(bench, split_of(silent))

    @pytest.mark.parametrize(
        ("broken", "message"),
        [
            ({"image": Path("gone.png")}, r"Stopped at sample 'test-1' \(--strict\): gone.png"),
            ({"audio": Path("gone.wav")}, r"Stopped at sample 'test-1' \(--strict\): gone.wav"),
            ({"truth": None}, r"Stopped at sample 'test-1' \(--strict\): .*no ground truth"),
        ],
    )
    def test_stops_a_strict_run(self, bench: Bench, broken: dict[str, object], message: str) -> None:
        samples = [scene("test", 0), replace(scene("test", 1), **broken)]
        evaluator = bench.evaluator(bench.method("oracle"), strict=True)
        with pytest.raises(DataError, match=message):
            evaluator.measure(split_of(samples), altered=True)

    def test_a_strict_run_stops_at_what_was_never_there(self, bench: Bench) -> None:
        split = Split([scene("test", 0)], 2, (Missing("test-9", "no frame"),))
        evaluator = bench.evaluator(bench.method("oracle"), strict=True)
        with pytest.raises(DataError, match=r"Stopped at sample 'test-9' \(--strict\): no frame"):
            evaluator.measure(split, altered=True)


def test_batches_change_nothing(bench: Bench) -> None:
    measured = []
    for size in (1, 6):
        evaluator = bench.evaluator(bench.method("souple"), batch_size=size)
        measured.append(evaluator.measure(Tiny().split("test"), altered=True))
    for key, values in measured[0].values.items():
        for name in ("iou",):
            np.testing.assert_allclose(values[name], measured[1].values[key][name], atol=1e-6)
    np.testing.assert_allclose(measured[0].confidence, measured[1].confidence, atol=1e-5)


def test_each_image_is_encoded_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    method, seen = bench.method("acl-ssl"), []
    encode = method.backbone.encode_image
    monkeypatch.setattr(
        method.backbone, "encode_image", lambda pixels: seen.append(len(pixels)) or encode(pixels)
    )
    bench.evaluator(method).measure(Tiny().split("test"), altered=True)
    assert seen == [4, 2]


def test_only_some_samples_have_a_distractor(bench: Bench) -> None:
    samples = [scene("test", index) for index in range(6)]
    for index in (1, 4):
        samples[index] = replace(samples[index], distractor=None)
    evaluator = bench.evaluator(bench.method("oracle"))
    test = evaluator.measure(split_of(samples), altered=True)
    assert test.distractor_rows == [0, 2, 3, 5]
    scores = score(test, None, evaluator.protocols)
    assert scores.audio_reliance["distractor"] == {"on_distractor": 100, "on_original": 0}


def test_altered_sounds_are_scored_with_each_samples_own_threshold(bench: Bench) -> None:
    split = Unvalidated().split("test")
    samples = [
        replace(sample, distractor=None) if index % 3 else sample
        for index, sample in enumerate(split.samples)
    ]
    evaluator = bench.evaluator(bench.method("oracle"))
    test = evaluator.measure(split_of(samples), altered=True)
    true, on = (test.values[name, "val-threshold"]["iou"] for name in ("true", "distractor/on-distractor"))
    folds = np.array([hash_fold(name) for name in test.ids])
    true[:], on[:] = 0, 0
    true[folds == 0, 3] = true[folds == 1, 9] = 1  # what one fold learns is used on the other
    learned = np.where(folds == 0, 9, 3)
    on[np.arange(len(on)), learned[test.distractor_rows]] = 1
    assert len(set(learned[test.distractor_rows])) == 2
    scores = score(test, None, evaluator.protocols)
    assert scores.audio_reliance["distractor"]["on_distractor"] == 100


def hash_fold(name: str) -> int:
    return hashlib.sha256(name.encode()).digest()[0] & 1


def test_off_screen_sounds_of_the_benchmark(bench: Bench) -> None:
    off = Audio(np.zeros(160, np.float32), 1600)
    samples = [replace(scene("test", index), off_screen=off) for index in range(6)]
    evaluator = bench.evaluator(bench.method("oracle"))
    test = evaluator.measure(split_of(samples), altered=True)
    assert float(test.values["off-screen", "val-threshold"]["iou"].max()) == 0


class TestTagger:
    """What an audio encoder hears, put into words, where it names classes."""

    @staticmethod
    def named(bench: Bench, monkeypatch: pytest.MonkeyPatch, labels: tuple[str, ...]) -> SplitScores:
        method = bench.method("deaf")
        monkeypatch.setattr(method.audio_encoder, "labels", labels)
        monkeypatch.setattr(method.audio_encoder, "tag", lambda frames: frames.mean(1))
        return scored(bench.evaluator(method))

    def test_its_words_find_what_sounds(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        scores = self.named(bench, monkeypatch, CLASSES)
        assert scores.class_supervised["named by the tagger"]["cIoU"] == 100
        assert scores.scores["val-threshold"]["cIoU"] < 100

    def test_wrong_words_find_something_else(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        scores = self.named(bench, monkeypatch, CLASSES[1:] + CLASSES[:1])
        assert scores.class_supervised["named by the tagger"]["cIoU"] < 50

    def test_words_that_are_not_known_are_left_out(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        method = bench.method("deaf")
        embed = method.backbone.embed_text

        def small_vocabulary(text: str) -> torch.Tensor:
            if "whistle" in text:
                raise ConfigError("no such word")
            return embed(text)

        monkeypatch.setattr(method.audio_encoder, "labels", ("whistle",) * len(CLASSES))
        monkeypatch.setattr(method.audio_encoder, "tag", lambda frames: frames.mean(1))
        monkeypatch.setattr(method.backbone, "embed_text", small_vocabulary)
        scores = scored(bench.evaluator(method))
        assert scores.class_supervised == {}
        assert "text-prompt" in scores.ceilings

    def test_who_names_nothing_has_no_such_row(self, bench: Bench) -> None:
        assert scored(bench.evaluator(bench.method("deaf"))).class_supervised == {}


class TestNames:
    """The text-prompt ceiling, where the encoders do not know every name."""

    @pytest.fixture
    def evaluator(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Evaluator:
        method = bench.method("oracle")
        embed = method.backbone.embed_text

        def small_vocabulary(text: str) -> torch.Tensor:
            if "cyan" in text:  # the fifth sample, so the first batch can be named
                raise ConfigError("no such word")
            return embed(text)

        monkeypatch.setattr(method.backbone, "embed_text", small_vocabulary)
        return bench.evaluator(method)

    def test_several_sources_are_found_by_the_name_of_each(self, bench: Bench) -> None:
        """Samples of which both squares are to be found, and of which one is: in one batch."""
        samples = [scene("test", index) for index in range(4)]
        for index in (0, 2):
            samples[index] = both_sound(samples[index])
        evaluator = bench.evaluator(bench.method("oracle"))
        measured = evaluator.measure(split_of(samples), altered=False)
        high = int(np.argmin(abs(GRID - 0.65)))  # a mean of the maps would be 0.5 there
        assert measured.values["text-prompt", "val-threshold"]["iou"][:, high].min() > 0.8
        samples[0] = replace(samples[0], labels=())
        measured = evaluator.measure(split_of(samples), altered=False)
        iou = measured.values["text-prompt", "val-threshold"]["iou"][:, high]
        assert iou[0] <= 0.5
        assert iou[1:].min() > 0.8

    def test_a_name_that_they_do_not_know_leaves_the_ceiling_out(self, evaluator: Evaluator) -> None:
        scores = scored(evaluator)
        assert "text-prompt" not in scores.ceilings
        assert scores.scores["val-threshold"]["cIoU"] == 100

    def test_another_error_is_not_taken_for_an_unknown_name(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(text: str) -> torch.Tensor:
            raise WeightsError("the tokenizer cannot be read")

        method = bench.method("oracle")
        monkeypatch.setattr(method.backbone, "embed_text", broken)
        with pytest.raises(WeightsError, match="tokenizer"):
            scored(bench.evaluator(method))

    def test_other_splits_have_theirs_in_any_order(self, evaluator: Evaluator) -> None:
        samples = [scene("test", index) for index in range(6)]
        splits = {"with cyan": split_of(samples), "without": split_of(samples[:4])}

        def ceilings(order: tuple[str, ...]) -> dict[str, dict[str, object]]:
            measured = {name: evaluator.measure(splits[name], altered=False) for name in order}
            return {name: score(measured[name], None, evaluator.protocols).ceilings for name in splits}

        cyan_first, cyan_last = ceilings(("with cyan", "without")), ceilings(("without", "with cyan"))
        assert cyan_first == cyan_last
        assert cyan_first["without"]["text-prompt"]["cIoU"] == 100
        assert "text-prompt" not in cyan_first["with cyan"]


def both_sound(sample: Sample) -> Sample:
    """The same picture, with the silent square among the sources."""
    assert sample.truth is not None
    assert isinstance(sample.image, np.ndarray)
    colour = sample.image[sample.truth.silent[0]][0] / 255
    other = CLASSES[int(np.argmin(abs(COLOURS - colour).sum(1)))]
    mask = sample.truth.mask + sample.truth.silent[0]
    return replace(sample, truth=GroundTruth(mask, sources=2), labels=(sample.label, other))


class LargestArea(Protocol):
    """Its headline is no mean over samples."""

    name, summary, headline = "largest", "largest area that is marked", "area"

    def measure(self, maps: ScoredMaps) -> dict[str, np.ndarray]:
        return {"area": maps.heatmaps.mean(axis=(1, 2))}

    def summarise(self, test: Measurements, choice: None) -> dict[str, Any]:
        return {"area": 100 * float(test["area"].max())}


class TestHeadlines:
    """What is no mean over samples is scored anew, and what is not given is an error."""

    def scores(self, bench: Bench, protocol: Protocol) -> SplitScores:
        evaluator = replace(bench.evaluator(bench.method("oracle")), protocols=[protocol])
        return score(evaluator.measure(Tiny().split("test"), altered=True), None, [protocol], ["class"])

    def test_that_are_no_means_have_intervals_of_samples_drawn_anew(self, bench: Bench) -> None:
        scores = self.scores(bench, LargestArea())
        low, high = scores.intervals["largest"]["area"]
        assert low <= high == scores.scores["largest"]["area"], "no draw holds a larger one"
        assert set(scores.audio_reliance["silent"]) == {"area"}
        assert scores.breakdowns["class"]["yellow"]["area"] <= high
        assert scores.floors == {}
        assert set(scores.ceilings) == {"text-prompt"}

    def test_of_altered_sounds_have_no_rows_of_words(self, bench: Bench) -> None:
        class Silent(LargestArea):
            conditions = ("silent",)

        scores = self.scores(bench, Silent())
        assert "silent" in scores.audio_reliance
        assert scores.ceilings == scores.class_supervised == {}

    def test_of_groups_have_no_interval(self, bench: Bench) -> None:
        class OfGroups(LargestArea):
            needs = ("group",)

        assert self.scores(bench, OfGroups()).intervals == {"largest": {}}

    def test_that_are_not_given_are_named(self, bench: Bench) -> None:
        class Other(LargestArea):
            headline = "AP"

        with pytest.raises(PluginError, match="'largest' gives no 'AP', its headline, only area"):
            self.scores(bench, Other())

    def test_that_are_not_the_mean_of_their_samples_are_refused(self, bench: Bench) -> None:
        class NoMean(LargestArea):
            def per_sample(self, test: Measurements, choice: None) -> dict[str, np.ndarray]:
                return {"area": test["area"]}

        with pytest.raises(
            PluginError, match="'largest' gives 'area' as a mean over samples that is not its"
        ):
            self.scores(bench, NoMean())

    def test_of_which_no_sample_counts_are_left_out(self, bench: Bench) -> None:
        class Nothing(LargestArea):
            summarise = Protocol.summarise

            def per_sample(self, test: Measurements, choice: None) -> dict[str, np.ndarray]:
                return {"area": np.full(len(test["area"]), np.nan)}

        scores = self.scores(bench, Nothing())
        assert scores.scores == {"largest": {}}
        assert scores.intervals == {"largest": {}}
        assert scores.audio_reliance["silent"] == {}


def test_rows_of_samples(bench: Bench) -> None:
    evaluator = bench.evaluator(bench.method("oracle"))
    test = evaluator.measure(Tiny().split("test"), altered=False)
    rows = list(sample_rows("test", test, None, evaluator.protocols))
    assert [row["id"] for row in rows] == [f"test-{index}" for index in range(6)]
    assert set(rows[0]) == {"split", "id", "val-threshold", "acl-sweep", "ezvsl-median", "confidence"}
    assert {row["split"] for row in rows} == {"test"}
    best = test.values["true", "acl-sweep"]["iou"][:, -1]
    assert [float(str(row["acl-sweep"])) for row in rows] == pytest.approx(list(100 * best), abs=0.01)
    assert float(str(rows[0]["confidence"])) == pytest.approx(test.confidence[0], abs=1e-4)


def test_the_gallery_is_spread_over_the_split(bench: Bench) -> None:
    evaluator = bench.evaluator(bench.method("oracle"), gallery=3)
    shown = evaluator.measure(Tiny().split("test"), altered=True).shown
    assert {k: clip.id for k, clip in shown.items()} == {0: "test-0", 2: "test-2", 5: "test-5"}
    assert shown[0].image.shape == (32, 32, 3)
    assert np.array_equal(shown[0].image, scene("test", 0).image)
    assert shown[0].heatmap.shape == shown[0].truth.shape == (32, 32)
    assert bench.evaluator(bench.method("oracle")).measure(Tiny().split("test"), altered=False).shown == {}


def test_progress_is_reported_by_images(bench: Bench) -> None:
    seen: list[int] = []
    evaluator = bench.evaluator(bench.method("oracle"))
    evaluator.measure(Broken().split("test"), altered=False, on_batch=seen.append)
    assert seen == [4, 2]


def test_no_pictures_are_kept_where_none_are_asked_for(bench: Bench) -> None:
    evaluator = bench.evaluator(bench.method("oracle"), gallery=0)
    assert evaluator.measure(Tiny().split("test"), altered=True).shown == {}


def test_each_name_is_said_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    method, said = bench.method("oracle"), []
    embed = method.backbone.embed_text
    monkeypatch.setattr(method.backbone, "embed_text", lambda text: said.append(text) or embed(text))
    bench.evaluator(method).measure(split_of([scene("test", index) for index in range(12)]), altered=False)
    assert len([text for text in said if text.startswith("a photo of a ")]) == 6


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
class TestWhatIsNotFinite:
    def test_of_an_image_is_named(self, bench: Bench, number: float) -> None:
        method = bench.method("oracle")
        encode_image = method.backbone.encode_image

        def spoil(pixels: torch.Tensor) -> ImageFeatures:
            features = encode_image(pixels)
            features.hidden[1][2] = number
            return features

        method.backbone.encode_image = spoil  # type: ignore[method-assign]
        with pytest.raises(EvaluationError, match=r"What TinyClip made of the image of 'test-2' holds NaN"):
            scored(bench.evaluator(method), Unvalidated())

    def test_is_neither_scored_nor_kept(self, bench: Bench, number: float) -> None:
        method, kept = bench.method("oracle"), []
        heatmap = method.masker.heatmap

        def spoil(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
            return heatmap(logits, size).index_fill(0, torch.tensor([1]), number)

        method.masker.heatmap = spoil  # type: ignore[method-assign]
        evaluator = bench.evaluator(method)
        with pytest.raises(EvaluationError, match=r"heatmap \(sound: true\) of 'test-1' holds NaN"):
            evaluator.measure(Tiny().split("test"), altered=True, write=lambda *batch: kept.append(batch))
        assert kept == []
