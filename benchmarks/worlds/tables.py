"""Make the tables of sweeps in the documents anew from the ledger.

A table stands behind a line `<!-- sweep NAME DATASET/SPLIT -->`, and is what
`avprompt sweep NAME --done-only` leaves in `sweep.md`.

    python benchmarks/worlds/tables.py [FILE.md]...     # docs/worlds.md, unless files are named
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from avprompt.plugin.discovery import load_plugins
from avprompt.sweeps.conditions import tables_of
from avprompt.sweeps.ledger import read_ledger, recorded
from avprompt.sweeps.plan import plan_sweep
from avprompt.sweeps.sweep import read_sweep

WORLDS = Path(__file__).parent
LEDGER = WORLDS / "runs.csv"
DOCUMENTS = (WORLDS.parents[1] / "docs" / "worlds.md",)
PLACE = re.compile(r"(<!-- sweep (\S+) (\S+) -->\n\n?)((?:\|.*\n|\n(?=\|))*)")


def main() -> None:
    """Write the tables into the documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, default=DOCUMENTS)
    for path in parser.parse_args().files:
        text = path.read_text(encoding="utf-8")
        path.write_text(with_tables(text), encoding="utf-8")


def published(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield sweep, place (dataset and split) and table for each place in a document."""
    for _, sweep, place, table in PLACE.findall(text):
        yield sweep, place, table.strip()


def with_tables(text: str) -> str:
    """Return a document with the tables of the ledger in their places."""

    def table(match: re.Match[str]) -> str:
        line, sweep, place, before = match.groups()
        return f"{line}{tables(sweep)[place]}\n" + "\n" * (not before)

    return PLACE.sub(table, text)


@cache
def tables(sweep: str) -> dict[str, str]:
    """Return the tables of a registered sweep by their place, as Markdown, of what is in the ledger."""
    loaded = load_plugins()
    plan = plan_sweep(loaded, read_sweep(loaded.registry, [sweep]), Path())
    done = recorded(loaded.registry, plan, read_ledger(LEDGER))
    return {f"{table.dataset}/{table.split}": table.to_markdown().strip() for table in tables_of(done)}


if __name__ == "__main__":
    main()
