"""Work spread over processes comes back in order, and trouble comes back too."""

from __future__ import annotations

import os
import time

import pytest

from avprompt.data.tools.parallel import parallel_map
from avprompt.errors import DataError


def double_slowly(number: int) -> int:
    time.sleep(0.02 * (number == 0))
    return 2 * number


def refuse(number: int) -> int:
    raise DataError(f"{number} is refused")


def die(number: int) -> int:
    os._exit(number)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_keep_the_order_of_the_things(workers: int) -> None:
    assert list(parallel_map(double_slowly, range(40), workers)) == [2 * number for number in range(40)]


def test_a_mistake_of_the_user_crosses_processes() -> None:
    with pytest.raises(DataError, match="0 is refused"):
        list(parallel_map(refuse, range(4), 2))


def test_a_worker_that_dies_is_no_riddle() -> None:
    with pytest.raises(DataError, match=r"A worker process died.*fewer --workers"):
        list(parallel_map(die, range(1, 5), 2))
