"""The check of a benchmark, on a small data root in its official layout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.media import read_audio, read_image
from avprompt.errors import DataError
from avprompt.records import GroundTruth, Split
from avprompt.testing.assertions import assert_shape, checks


@checks("datasets")
def check_benchmark(adapter: BenchmarkAdapter) -> None:
    """Check that a benchmark states its rules, and that every split holds what it says.

    Give it a small data root in the official layout: up to 16 samples of each split are read.
    """
    for text in ("title", "citation", "licence", "source", "ground_truth", "coordinates", "broken_boxes"):
        assert getattr(adapter, text), f"a benchmark must state its {text}"
    assert adapter.protocols, "a benchmark must name the protocols that apply"
    for printed in adapter.published:
        assert all(0 <= value <= 100 for value in printed.scores.values()), f"{printed}: percents"
        assert printed.protocol, f"{printed}: numbers without a protocol"
        assert printed.source, f"{printed}: numbers without a source"
    scored = [name for name in (adapter.validation_split, *adapter.test_splits) if name]
    unscored = [name for name in (adapter.train_split, adapter.drawn_split) if name]
    for name in (*unscored, *scored):
        _check_split(adapter, name, annotated=name in scored)
    for name in scored:
        _check_annotations(adapter, name)
    _refuses("a split that is not there", lambda: adapter.split("no such split"))
    if adapter.needs_root:
        _refuses("a missing --data-root", lambda: type(adapter)(None))


def _check_split(adapter: BenchmarkAdapter, name: str, *, annotated: bool) -> None:
    split = adapter.split(name)
    assert isinstance(split, Split), f"split must return a Split, not {type(split).__name__}"
    assert split.samples, f"{name}: no sample can be used: {split.missing}"
    listed = len(split.samples) + len(split.missing)
    assert listed == split.expected, f"{name}: {split.expected} expected, but {listed} usable or missing"
    assert all(missing.reason for missing in split.missing), f"{name}: a sample is missing without a reason"
    some = [split.samples[index] for index in range(min(16, len(split.samples)))]
    assert len({sample.id for sample in some}) == len(some), f"{name}: ids must be unique"
    for sample in some:
        image, sound = read_image(sample.image), read_audio(sample.audio, 16000, adapter.audio_seconds)
        assert_shape(f"{name}: channels of '{sample.id}'", image.shape[2:], (3,))
        assert np.isfinite(sound).all(), f"{name}: sound of '{sample.id}' must be finite"
        if annotated:
            assert sample.truth is not None, f"{name}: '{sample.id}' has no ground truth"
            _check_truth(f"{name}: '{sample.id}'", sample.truth, adapter.size)
            assert sample.sounding or not sample.truth.mask.any(), f"{name}: '{sample.id}' marks nothing"
        else:
            assert sample.truth is None, f"{name}: this split must not give the truth of '{sample.id}'"


def _check_annotations(adapter: BenchmarkAdapter, name: str) -> None:
    samples, annotations = adapter.split(name).samples, adapter.annotations(name)
    assert len(annotations) >= len(samples), f"{name}: samples without an annotation"
    masks = {sample.id: sample.truth for sample in map(samples.__getitem__, range(min(8, len(samples))))}
    for annotation in map(annotations.__getitem__, range(min(8, len(annotations)))):
        counts = annotation.counts
        broken = max(counts.garbage, counts.degenerate)
        assert broken <= counts.boxes, f"{name}: more broken boxes than boxes in '{annotation.id}'"
        truth = masks.get(annotation.id, annotation.truth)
        assert truth is not None, f"{name}: '{annotation.id}' has no ground truth"
        assert (annotation.truth.mask == truth.mask).all(), f"{name}: two truths of '{annotation.id}'"


def _check_truth(what: str, truth: GroundTruth, size: int) -> None:
    assert_shape(f"{what}: mask", truth.mask.shape, (size, size))
    assert truth.mask.dtype == np.float32, f"{what}: a mask is float32, not {truth.mask.dtype}"
    assert np.isfinite(truth.mask).all(), f"{what}: a mask must be finite"
    assert 0 <= truth.mask.min() <= truth.mask.max() <= 1, f"{what}: a mask lies in 0..1"
    if len(truth.silent):
        assert_shape(f"{what}: silent masks", truth.silent.shape[1:], (size, size))


def _refuses(what: str, action: Callable[[], object]) -> None:
    try:
        action()
    except DataError:
        return
    raise AssertionError(f"{what} must be a DataError")
