"""Tables of a sweep, computed by hand: means, paired differences and main effects."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avprompt.errors import ConfigError, DataError
from avprompt.sweeps.cells import Cell, cells_of
from avprompt.sweeps.conditions import condition_names, tables_of
from avprompt.sweeps.result import SweepResult
from avprompt.sweeps.row import Row, pack
from avprompt.sweeps.table import SweepTable
from sweeps_of_tiny import FACTORS, row, tiny_sweep

# On these four samples the prompt's main effect is 50, the decoder's 25.
HITS = {
    ("fixed", "frozen"): [0, 0, 0, 0],
    ("fixed", "trained"): [1, 0, 0, 0],
    ("metanet", "frozen"): [1, 1, 0, 0],
    ("metanet", "trained"): [1, 1, 1, 0],
}
NAME = "prompt={},decoder={}"


def scored(cell: Cell, hits: Any, **fields: Any) -> Row:
    values = np.array(hits, dtype=np.float64)
    told = {"method": cell.method, "seed": cell.seed, "levels": dict(cell.levels), "n": len(values)}
    return row(**told | {"score": 100 * values.mean(), "hits": pack(values), "AUC": None} | fields)


@pytest.fixture
def cells(folder: Path) -> dict[Cell, list[Row]]:
    """A factorial of two by two with two seeds; each cell misses more with the second."""
    every = cells_of(tiny_sweep(factors=FACTORS, seeds=(0, 1)), folder)
    hits = {cell: HITS[cell.levels["prompt"], cell.levels["decoder"]] for cell in every}
    return {
        cell: [scored(cell, hits[cell] + [0] * 4 * cell.seed + [1] * 4 * (1 - cell.seed))] for cell in every
    }


def only(cells: Mapping[Cell, list[Row]], **options: Any) -> SweepTable:
    (table,) = tables_of(cells, **options)
    return table


class TestConditions:
    def test_have_mean_and_spread_over_seeds(self, cells: dict[Cell, list[Row]]) -> None:
        last = [*only(cells).conditions()][-1]
        assert last["condition"] == "prompt=metanet,decoder=trained"
        assert last["scores"] == [87.5, 37.5]
        assert last["mean"] == 62.5
        assert last["standard_deviation"] == pytest.approx(50 / np.sqrt(2))
        assert last["seeds"] == [0, 1]

    def test_are_compared_with_the_first_in_pairs(self, cells: dict[Cell, list[Row]]) -> None:
        differences = only(cells).differences
        assert {name: change.estimate for name, change in differences.items()} == {
            NAME.format("fixed", "trained"): 12.5,
            NAME.format("metanet", "frozen"): 25,
            NAME.format("metanet", "trained"): 37.5,
        }
        change = differences[NAME.format("metanet", "trained")]
        assert 0 <= change.low < 37.5 < change.high <= 100

    def test_show_the_headline_under_altered_inputs_where_it_was_measured(self, folder: Path) -> None:
        cells = cells_of(tiny_sweep(methods=("souple", "coop"), seeds=(0, 1)), folder)
        reliance: dict[str, Any] = {"audio": {"shuffled": {"cIoU": 10.0}}}
        looks = reliance | {"context": {"other": {"true": {"cIoU": 30.0}}}}
        rows = [
            scored(cell, [1, 0], reliance=looks if cell.method == "souple" else reliance) for cell in cells
        ]
        head, souple, coop = only({cell: [row] for cell, row in zip(cells, rows, strict=True)}).lines
        assert head[-2:] == ["shuffled sound, cIoU", "other context, cIoU"]
        assert souple[-2:] == ["10.0 ± 0.0", "30.0 ± 0.0"]
        assert coop[-2:] == ["10.0 ± 0.0", ""]

    def test_may_be_compared_with_another(self, cells: dict[Cell, list[Row]]) -> None:
        name = NAME.format("metanet", "trained")
        differences = only(cells, reference=name).differences
        assert differences[NAME.format("fixed", "frozen")].estimate == -37.5
        assert name not in differences
        with pytest.raises(ConfigError, match="There is no condition 'prompt=fixed' in the sweep"):
            tables_of(cells, "prompt=fixed")

    def test_are_named_by_what_differs(self, folder: Path) -> None:
        def names(**fields: Any) -> set[str]:
            return {*condition_names(cells_of(tiny_sweep(**fields), folder)).values()}

        assert names() == {"souple"}
        assert names(methods=("souple", "a/mine.yaml")) == {"souple", "mine"}
        assert names(over={"prompt.words": ("a",)}) == {"words=a"}
        assert "mine words=a" in names(methods=("souple", "mine.yaml"), over={"prompt.words": ("a",)})

    def test_with_other_seeds_are_paired_where_both_have_one(self, cells: dict[Cell, list[Row]]) -> None:
        first = next(iter(cells))
        without = {cell: rows for cell, rows in cells.items() if cell is not first}
        table = only(without)
        assert table.differences[NAME.format("metanet", "trained")].estimate == 37.5
        assert [line[2] for line in table.lines] == ["seeds", "1", "2", "2", "2"]

    def test_that_train_nothing_stand_beside_every_seed(self, folder: Path) -> None:
        trained, untrained = (tiny_sweep(methods=(name,), seeds=(0, 1)) for name in ("souple", "oracle"))
        rows = {cell: [scored(cell, [cell.seed, 0])] for cell in cells_of(trained, folder)}
        once = cells_of(untrained, folder)[0]
        rows[once] = [scored(once, [1, 1], trainable_parameters=0)]
        assert only(rows).differences["oracle"].estimate == 75

    def test_of_other_samples_do_not_stand_in_one_table(self, cells: dict[Cell, list[Row]]) -> None:
        last = [*cells][-1]
        cells[last] = [cells[last][0].model_copy(update={"samples": "others"})]
        with pytest.raises(DataError, match=r"On tiny/test the runs of .* were scored on different"):
            tables_of(cells)


class TestEffects:
    def test_are_means_over_all_levels_of_the_other_factors(self, cells: dict[Cell, list[Row]]) -> None:
        effects = only(cells).effects
        assert [(effect.factor, effect.level, effect.first) for effect in effects] == [
            ("prompt", "metanet", "fixed"),
            ("decoder", "trained", "frozen"),
        ]
        assert [effect.difference.estimate for effect in effects] == [25, 12.5]

    def test_come_with_the_same_draws_as_a_difference(self, folder: Path) -> None:
        """Where decoders change nothing, the prompt's main effect is the difference of two cells."""
        every = cells_of(tiny_sweep(factors=FACTORS, seeds=(0, 1)), folder)
        draw = np.random.default_rng(0)
        hits = {
            (prompt, seed): draw.integers(2, size=40) for prompt in ("fixed", "metanet") for seed in (0, 1)
        }
        table = only({cell: [scored(cell, hits[cell.levels["prompt"], cell.seed])] for cell in every})
        assert table.effects[0].difference == table.differences[NAME.format("metanet", "frozen")]

    def test_methods_are_a_factor_too(self, folder: Path) -> None:
        sweep = tiny_sweep(methods=("souple", "acl-ssl"), over={"prompt.words": ("a", "b", "c")})
        hits = {"souple": [1, 0], "acl-ssl": [1, 1]}
        table = only({cell: [scored(cell, hits[cell.method])] for cell in cells_of(sweep, folder)})
        effects = {(effect.factor, effect.level): effect.difference.estimate for effect in table.effects}
        assert effects == {("method", "acl-ssl"): 50, ("prompt.words", "b"): 0, ("prompt.words", "c"): 0}

    def test_are_none_where_a_cell_is_missing_or_one_factor_varies(
        self, cells: dict[Cell, list[Row]], folder: Path
    ) -> None:
        missing = {
            cell: rows for cell, rows in cells.items() if [*cell.levels.values()] != ["fixed", "trained"]
        }
        assert only(missing).effects == []
        one_factor = {cell: rows for cell, rows in cells.items() if cell.levels["decoder"] == "frozen"}
        assert only(one_factor).effects == []


class TestText:
    def test_has_a_line_for_each_condition_and_effect(self, cells: dict[Cell, list[Row]]) -> None:
        lines = only(cells).to_markdown().splitlines()
        assert lines[0] == "| Percent | cIoU | seeds | Δ cIoU | 95 % |"
        assert lines[2] == "| prompt=fixed,decoder=frozen | 25.0 ± 35.4 | 2 |  |  |"
        assert lines[5].startswith("| prompt=metanet,decoder=trained | 62.5 ± 35.4 | 2 | +37.5 | +")
        assert lines[7] == "| Main effect | Δ cIoU | 95 % |"
        assert lines[9].startswith("| prompt: metanet for fixed | +25.0 | +")

    def test_has_what_papers_print_of_the_very_run(self, folder: Path) -> None:
        printed = {"method": "M", "protocol": "acl-sweep", "trained_on": "tiny", "scores": {"cIoU": 98.76}}
        (cell,) = cells_of(tiny_sweep(), folder)
        table = only({cell: [scored(cell, [1, 0], beside={"published": [printed]}, AUC=40.0)]})
        assert table.lines[0][-2:] == ["AUC", "published"]
        assert table.lines[1] == [
            "souple",
            "50.00",
            "1",
            "",
            "",
            "40.00",
            "98.76 (acl-sweep, trained on tiny)",
        ]

    def test_and_numbers_are_written_beside_the_runs(
        self, cells: dict[Cell, list[Row]], folder: Path
    ) -> None:
        sweep = tiny_sweep(factors=FACTORS, seeds=(0, 1))
        result = SweepResult(sweep, cells, [], {"a cell": "why"}, 3, 1, folder, folder / "ledger.csv")
        result.write()
        saved = json.loads((folder / "sweep.json").read_text())
        assert saved["tables"][0]["effects"][0]["difference"]["estimate"] == 25
        assert saved["failures"] == {"a cell": "why"}
        with (folder / "sweep.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        assert [line["mean"] for line in lines] == ["25.0", "37.5", "50.0", "62.5"]
        assert [line["difference"] for line in lines] == ["", "12.5", "25.0", "37.5"]
        assert (
            (folder / "sweep.md")
            .read_text()
            .startswith("### tiny/test, cIoU under val-threshold, 8 samples\n")
        )
        assert result.notes == [
            f"3 runs were taken from {folder}/ledger.csv, 1 of them made by other code than today's (--redo "
            "makes them again)."
        ]

    def test_notes_tell_of_other_machines_and_of_what_is_missing(
        self, cells: dict[Cell, list[Row]], folder: Path
    ) -> None:
        first, *rest = cells
        rows = {cell: cells[cell] for cell in rest}
        rows[rest[0]] = [rows[rest[0]][0].model_copy(update={"threads": 4})]
        notes = SweepResult(tiny_sweep(), rows, [first], {}, 0, 0, folder, folder / "l.csv").notes
        assert notes[0] == f"1 of 8 runs are not done, {first.name} the first."
        assert notes[1].endswith("several machines, whose numbers differ: m (1 threads), m (4 threads).")
