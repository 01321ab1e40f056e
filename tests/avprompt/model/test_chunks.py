"""Groups of rows that a processor computes at once."""

from __future__ import annotations

import pytest
import torch

from avprompt.model.chunks import BUFFER, in_groups, rows_at_once

CPU = torch.device("cpu")


@pytest.mark.parametrize(("numbers", "expected"), [(1, 10), (BUFFER // 4, 1), (BUFFER, 1), (BUFFER // 12, 3)])
def test_a_processor_takes_what_fits_in_a_buffer(numbers: int, expected: int) -> None:
    assert rows_at_once(10, numbers, CPU) == expected


def test_a_gpu_takes_all() -> None:
    assert rows_at_once(10, BUFFER, torch.device("cuda")) == 10


def test_groups_are_the_rows_in_order() -> None:
    rows = torch.arange(10.0)[:, None]
    groups = in_groups(rows, BUFFER // 12)
    assert [len(group) for group in groups] == [3, 3, 3, 1]
    assert torch.equal(torch.cat(groups), rows)
    assert len(in_groups(rows[:0], 1)) == 1
