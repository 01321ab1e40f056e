"""Work spread over processes comes back in order, and trouble comes back too."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from avprompt.data.tools.parallel import parallel_map
from avprompt.errors import DataError

LAST = 15


def double(number: int) -> int:
    return 2 * number


def double_the_first_last(task: tuple[int, Path]) -> int:
    """Double a number; zero waits until the other process has finished all others."""
    number, folder = task
    while number == 0 and len(list(folder.iterdir())) < LAST:
        time.sleep(0.001)
    (folder / str(number)).touch()
    return 2 * number


def refuse(number: int) -> int:
    raise DataError(f"{number} is refused")


def die(number: int) -> int:
    os._exit(number)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_keep_the_order_of_the_items(workers: int) -> None:
    assert list(parallel_map(double, range(40), workers)) == [2 * number for number in range(40)]


def test_results_keep_their_order_when_the_first_comes_last(tmp_path: Path) -> None:
    tasks = [(number, tmp_path) for number in range(LAST + 1)]
    assert list(parallel_map(double_the_first_last, tasks, 2)) == [2 * number for number, _ in tasks]


def test_a_mistake_of_the_user_crosses_processes() -> None:
    with pytest.raises(DataError, match="0 is refused"):
        list(parallel_map(refuse, range(4), 2))


def test_a_worker_that_dies_is_no_riddle() -> None:
    with pytest.raises(DataError, match=r"A worker process died.*fewer --workers"):
        list(parallel_map(die, range(1, 5), 2))
