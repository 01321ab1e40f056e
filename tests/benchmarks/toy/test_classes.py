"""The classes of the toy world."""

from __future__ import annotations

from avprompt_benchmarks.toy.classes import CLASSES, HEARD, NAMES, UNHEARD, shape_of, texture_of


def test_there_are_24_classes_with_different_names() -> None:
    assert len(CLASSES) == len(set(NAMES)) == 24
    assert NAMES[1] == "striped circle"


def test_heard_and_unheard_are_disjoint_halves() -> None:
    assert set(HEARD) | set(UNHEARD) == set(CLASSES)
    assert len(HEARD) == len(UNHEARD) == 12


def test_every_shape_and_texture_is_in_both_halves() -> None:
    for half in (HEARD, UNHEARD):
        assert set(map(shape_of, half)) == set(range(6))
        assert set(map(texture_of, half)) == set(range(4))
