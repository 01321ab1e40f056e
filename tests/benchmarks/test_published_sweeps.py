"""Tables of sweeps in the documents are those of the committed ledger.

A table stands behind a comment that says whose it is, `<!-- sweep NAME DATASET/SPLIT -->`, and is what
`avprompt sweep NAME --done-only` leaves in `sweep.md`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from avprompt.plugin.discovery import Loaded
from avprompt.sweeps.cells import cells_of
from avprompt.sweeps.conditions import tables_of
from avprompt.sweeps.ledger import read_ledger, recorded
from avprompt.sweeps.plan import plan_sweep
from avprompt.sweeps.row import unpack
from avprompt.sweeps.sweep import read_sweep
from avprompt.sweeps.table import SweepTable
from sweeps_of_tiny import row, tiny_sweep

ROOT = Path(__file__).resolve().parents[2]
LEDGER = ROOT / "benchmarks" / "worlds" / "runs.csv"
DOCUMENTS = ("README.md", "benchmarks/worlds/README.md")
TABLE = re.compile(r"^<!-- sweep (\S+) (\S+) -->\n+((?:\|.*\n|\n(?=\|))+)", re.MULTILINE)


def published() -> list[tuple[str, str, str]]:
    """Sweep, dataset and split, and the table, of every table in the documents."""
    return [table for name in DOCUMENTS for table in TABLE.findall((ROOT / name).read_text(encoding="utf-8"))]


def tables(loaded: Loaded, name: str) -> dict[str, SweepTable]:
    plan = plan_sweep(loaded, read_sweep(loaded.registry, [name]), Path())
    done = recorded(loaded.registry, plan, read_ledger(LEDGER))
    return {f"{table.dataset}/{table.split}": table for table in tables_of(done)}


@pytest.mark.parametrize(("sweep", "place", "text"), published())
def test_a_table_is_that_of_the_ledger(loaded: Loaded, sweep: str, place: str, text: str) -> None:
    assert tables(loaded, sweep)[place].to_markdown().strip() == text.strip()


def test_the_readme_shows_tables_of_the_worlds() -> None:
    places = {place for sweep, place, _ in published() if sweep == "worlds"}
    assert {"toy-openset/heard", "toy-openset/unheard", "toy-vague/test"} <= places


def test_every_row_of_the_ledger_has_the_headline_that_its_samples_give() -> None:
    for entry in read_ledger(LEDGER):
        if entry.hits:
            assert 100 * unpack(entry.hits, entry.n).mean() == pytest.approx(entry.score, abs=1e-3)


def test_a_table_in_a_document_ends_with_its_effects(tmp_path: Path) -> None:
    cells = cells_of(tiny_sweep(over={"a.b": (1, 2), "c.d": (1, 2)}), tmp_path)
    (table,) = tables_of({cell: [row(levels=dict(cell.levels))] for cell in cells})
    text = f"before\n<!-- sweep tiny tiny/test -->\n\n{table.to_markdown()}\nafter | this\n"
    ((name, place, found),) = TABLE.findall(text)
    assert (name, place) == ("tiny", "tiny/test")
    assert found.strip() == table.to_markdown().strip()
    assert "Main effect" in found
