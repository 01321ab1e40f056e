"""Every benchmark keeps what the interface promises, on a small data root in its official layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.errors import DataError
from avprompt.registry import Registry
from avprompt.testing import check_benchmark
from layouts import LAYOUTS


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_benchmark_keeps_the_contract(registry: Registry, name: str, tmp_path: Path) -> None:
    check_benchmark(registry.load("datasets", name)(LAYOUTS[name](tmp_path)))


TOYS = {"toy", "toy-openset", "toy-vague", "toy-twins", "toy-crowd"}


@pytest.mark.parametrize("name", sorted(TOYS))
def test_the_toy_benchmarks_keep_the_contract(registry: Registry, name: str) -> None:
    check_benchmark(registry.load("datasets", name)())


@pytest.mark.parametrize("name", LAYOUTS)
def test_its_protocols_are_registered(registry: Registry, name: str) -> None:
    for protocol in registry.load("datasets", name).protocols:
        assert registry.load("protocols", protocol).name == protocol


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_number_of_masks_alone_makes_no_defect_a_known_one(registry: Registry, name: str) -> None:
    assert all(counts.boxes for counts in registry.load("datasets", name).box_counts.values())


def test_every_benchmark_of_ours_has_a_layout(registry: Registry) -> None:
    ours = {entry.name for entry in registry.entries("benchmarks") if entry.kind == "datasets"}
    assert ours - TOYS == set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_empty_folder_is_told_what_belongs_there(registry: Registry, name: str, tmp_path: Path) -> None:
    adapter = registry.load("datasets", name)(tmp_path)
    with pytest.raises(DataError, match="Expected layout of the data root"):
        adapter.split(next(iter(adapter.test_splits), "test"))
