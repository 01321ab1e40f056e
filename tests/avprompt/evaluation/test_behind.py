"""Calls beside the caller: their order, their number, their errors."""

from __future__ import annotations

import threading
import time

import pytest

from avprompt.evaluation.behind import Behind


def test_results_come_in_the_order_of_the_calls() -> None:
    taken: list[int] = []

    def slow_at_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number

    with Behind(taken.append) as behind:
        for number in range(6):
            behind.call(slow_at_first, number)
    assert taken == list(range(6))


def test_the_caller_goes_on_until_too_many_calls_wait() -> None:
    taken: list[int] = []
    go_on = threading.Event()

    def wait(number: int) -> int:
        assert go_on.wait(10)
        return number

    with Behind(taken.append, waiting=2) as behind:
        behind.call(wait, 1)
        behind.call(wait, 2)
        assert taken == []  # both are under way, and this is reached
        go_on.set()
        behind.call(wait, 3)
        assert taken == [1]
    assert taken == [1, 2, 3]


def test_an_error_reaches_the_caller() -> None:
    def fail() -> None:
        raise ValueError("no truth")

    with pytest.raises(ValueError, match="no truth"), Behind(print) as behind:
        behind.call(fail)


def test_the_callers_own_error_comes_first_and_ends_the_thread() -> None:
    taken: list[int] = []
    before = threading.active_count()

    def stumble() -> None:
        with Behind(taken.append) as behind:
            behind.call(int, 3)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        stumble()
    assert taken == []
    assert threading.active_count() == before
