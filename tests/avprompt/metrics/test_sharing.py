from __future__ import annotations

import numpy as np

from avprompt.metrics.sharing import one_batch, shared


def test_within_a_batch_the_same_arrays_are_worked_on_once() -> None:
    calls = []

    @shared
    def total(values: np.ndarray) -> float:
        calls.append(values)
        return float(values.sum())

    one, same = np.ones(3), np.ones(3)
    with one_batch():
        assert [total(one), total(one), total(same)] == [3, 3, 3]
    assert len(calls) == 2, "equal arrays are not the same"
    with one_batch():
        total(one)
        with one_batch():
            total(one)
    assert len(calls) == 3, "another batch starts anew, one within it does not"


def test_outside_of_a_batch_nothing_is_remembered() -> None:
    @shared
    def total(values: np.ndarray) -> float:
        return float(values.sum())

    values = np.ones(3)
    assert total(values) == 3
    values += 1
    assert total(values) == 6
