"""The registered sweeps: as many runs as they promise, and levels that are the methods that they name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from avprompt.plugin.discovery import Loaded
from avprompt.registry import Registry
from avprompt.sweeps.cells import Cell, cells_of
from avprompt.sweeps.identity import identify
from avprompt.sweeps.plan import plan_sweep
from avprompt.sweeps.sweep import read_sweep

ROOT = Path(__file__).resolve().parents[2]


def cells(registry: Registry, name: str) -> list[Cell]:
    return cells_of(read_sweep(registry, [name]), Path("out"))


@pytest.mark.parametrize(
    ("name", "count"), [("prompt-or-decoder", 72), ("souple-ablation", 18), ("souple-choices", 30)]
)
def test_have_as_many_runs_as_they_promise(registry: Registry, name: str, count: int) -> None:
    assert len(cells(registry, name)) == count


def test_of_the_worlds_has_tag_words_once(loaded: Loaded) -> None:
    plan = plan_sweep(loaded, read_sweep(loaded.registry, ["worlds"]), Path("out"))
    runs = Counter(cell.method for cell in plan)
    assert runs.pop("tag-words") == 4
    assert set(runs.values()) == {4 * 3}


@pytest.mark.parametrize("name", ["prompt-or-decoder", "souple-ablation", "souple-choices", "worlds"])
def test_enter_their_runs_in_one_ledger_of_this_checkout(registry: Registry, name: str) -> None:
    ledger = read_sweep(registry, [name]).ledger
    assert ledger == Path("benchmarks/worlds/runs.csv")
    assert (ROOT / ledger).parent.is_dir()


@pytest.fixture(scope="module")
def configs(loaded: Loaded) -> dict[tuple[str, ...], dict[str, Any]]:
    """The resolved config of each combination, by its levels."""
    every = cells(loaded.registry, "prompt-or-decoder")
    some = [cell for cell in every if (cell.dataset, cell.seed) == ("toy-openset", 10)]
    return {tuple(cell.levels.values()): identify(loaded, cell).config for cell in some}


class TestPromptOrDecoder:
    """Each level is a part of another method, with all its options, and nothing else changes."""

    def config(self, loaded: Loaded, method: str) -> dict[str, Any]:
        return identify(loaded, Cell(method, {}, {"dataset": "toy-openset", "seed": 10}, Path())).config

    def test_the_last_levels_are_souple_words(self, loaded: Loaded, configs: Any) -> None:
        assert configs["metanet", "bottleneck", "trained"] == self.config(loaded, "souple-words")

    @pytest.mark.parametrize(
        ("part", "method", "levels"),
        [
            ("prompt", "acl-ssl", ("fixed", "bottleneck", "trained")),
            ("prompt", "souple-attention", ("attention", "bottleneck", "trained")),
            ("projection", "acl-ssl", ("metanet", "factor-graph", "trained")),
            ("decoder", "acl-ssl", ("metanet", "bottleneck", "frozen")),
        ],
    )
    def test_a_level_is_the_part_of_its_method(
        self, loaded: Loaded, configs: Any, part: str, method: str, levels: tuple[str, ...]
    ) -> None:
        def split(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
            own = {name: config[name] for name in config if name.startswith(f"{part}.")}
            return own, {name: config[name] for name in config if name not in own}

        own, others = split(configs[levels])
        theirs, _ = split(self.config(loaded, method))
        if part == "decoder":  # a frozen part has no learning rate
            del own["decoder.learning_rate_scale"], theirs["decoder.learning_rate_scale"]
        if part == "projection":  # all start alike
            assert (own.pop("projection.start"), theirs.pop("projection.start")) == ("object", None)
        assert own == theirs
        assert others == split(self.config(loaded, "souple-words"))[1]
