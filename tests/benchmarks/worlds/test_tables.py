"""Tables of sweeps in the documents are those of the committed ledger."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from avprompt.sweeps.cells import cells_of
from avprompt.sweeps.conditions import tables_of
from avprompt.sweeps.ledger import read_ledger
from avprompt.sweeps.row import unpack
from sweeps_of_tiny import row, tiny_sweep

SCRIPT = runpy.run_path(
    str(Path(__file__).resolve().parents[3] / "benchmarks" / "worlds" / "tables.py"), run_name="tables"
)
PUBLISHED = [
    table for path in SCRIPT["DOCUMENTS"] for table in SCRIPT["published"](path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("sweep", "place", "text"), PUBLISHED)
def test_a_table_is_that_of_the_ledger(sweep: str, place: str, text: str) -> None:
    assert SCRIPT["tables"](sweep)[place] == text


def test_the_documents_say_what_prompt_projection_and_decoder_buy() -> None:
    places = {place for sweep, place, _ in PUBLISHED if sweep == "prompt-or-decoder"}
    assert {"toy-openset/heard", "toy-openset/unheard"} <= places


def test_every_row_of_the_ledger_has_the_headline_that_its_samples_give() -> None:
    for entry in read_ledger(SCRIPT["LEDGER"]):
        if entry.hits:
            assert 100 * unpack(entry.hits, entry.n).mean() == pytest.approx(entry.score, abs=1e-3)


def test_a_table_ends_with_its_effects(tmp_path: Path) -> None:
    cells = cells_of(tiny_sweep(over={"a.b": (1, 2), "c.d": (1, 2)}), tmp_path)
    (table,) = tables_of({cell: [row(levels=dict(cell.levels))] for cell in cells})
    text = f"before\n<!-- sweep tiny tiny/test -->\n\n{table.to_markdown()}\nafter | this\n"
    ((name, place, shown),) = SCRIPT["published"](text)
    assert (name, place) == ("tiny", "tiny/test")
    assert shown == table.to_markdown().strip()
    assert "Main effect" in shown


def test_a_table_is_put_into_its_place_and_nothing_else_changes() -> None:
    before, after = "# Title\n\n<!-- sweep prompt-or-decoder toy-openset/heard -->\n\n", "\nmore | text\n"
    text = f"{before}| old |\n| --- |\n{after}"
    assert (
        SCRIPT["with_tables"](text)
        == f"{before}{SCRIPT['tables']('prompt-or-decoder')['toy-openset/heard']}\n{after}"
    )
