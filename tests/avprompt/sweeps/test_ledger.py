"""The ledger: rows that come back as they were, appended by many, and taken where the run is the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avprompt.errors import DataError
from avprompt.plugin.discovery import Loaded
from avprompt.registry import Registry
from avprompt.sweeps.identity import encoder_weights
from avprompt.sweeps.ledger import append, read_ledger, recorded
from avprompt.sweeps.plan import plan_sweep
from avprompt.sweeps.row import Row, pack, unpack
from sweeps_of_tiny import row, tiny_sweep


class TestHits:
    def test_are_a_bit_each(self) -> None:
        values = np.array([1, 0, 0, 0, 0, 0, 0, 1, 1.0])
        assert pack(values) == "8180"
        assert unpack("8180", 9).tolist() == values.tolist()

    @pytest.mark.parametrize("n", [1, 3, 8, 100])
    def test_come_back(self, n: int) -> None:
        draw = np.random.default_rng(n)
        for values in (draw.integers(2, size=n).astype(float), draw.random(n)):
            assert unpack(pack(values), n) == pytest.approx(values, abs=1e-7)

    def test_of_another_number_of_samples_are_damaged(self) -> None:
        with pytest.raises(DataError, match="20 samples, but hits of 2 bytes: it is damaged"):
            unpack("8180", 20)


class TestFile:
    def test_gives_rows_back(self, tmp_path: Path) -> None:
        rows = [row(), row(split="unheard", threshold=None, cIoU=None, threads=None, levels={"a": "x, 'y'"})]
        append(tmp_path / "l.csv", rows[:1])
        append(tmp_path / "l.csv", rows[1:])
        assert read_ledger(tmp_path / "l.csv") == rows
        assert [path.name for path in tmp_path.iterdir()] == ["l.csv"]

    def test_is_empty_where_it_is_not_there(self, tmp_path: Path) -> None:
        assert read_ledger(tmp_path / "none.csv") == []

    def test_takes_rows_of_several_processes(self, tmp_path: Path) -> None:
        code = (
            "import sys; from pathlib import Path; from sweeps_of_tiny import row; "
            "from avprompt.sweeps.ledger import append\n"
            "for seed in range(10): append(Path(sys.argv[1]), [row(sweep=sys.argv[2], seed=seed)])"
        )
        path = str(tmp_path / "l.csv")
        writers = [
            subprocess.Popen([sys.executable, "-c", code, path, name], env={"PYTHONPATH": ":".join(sys.path)})
            for name in ("a", "b", "c")
        ]
        assert [writer.wait() for writer in writers] == [0, 0, 0]
        rows = {(row.sweep, row.seed) for row in read_ledger(Path(path))}
        assert rows == {(name, seed) for name in "abc" for seed in range(10)}

    def test_with_other_columns_is_not_written_to(self, tmp_path: Path) -> None:
        (tmp_path / "l.csv").write_text("a,b\n1,2\n")
        with pytest.raises(DataError, match="is no ledger of this version: its columns are a, b"):
            append(tmp_path / "l.csv", [row()])
        assert (tmp_path / "l.csv").read_text() == "a,b\n1,2\n"

    def test_that_is_damaged_names_the_row(self, tmp_path: Path) -> None:
        append(tmp_path / "l.csv", [row(), row(method="damaged")])
        text = (tmp_path / "l.csv").read_text()
        (tmp_path / "l.csv").write_text(text.replace("damaged,tiny,test,0", "damaged,tiny,test,x"))
        with pytest.raises(DataError, match=r"l.csv', row 3: it.seed: Input should be a valid integer"):
            read_ledger(tmp_path / "l.csv")


class TestTaking:
    """One cell, and a row as its run would leave it, but for what is told."""

    @pytest.fixture
    def plan(self, loaded: Loaded, folder: Path) -> Any:
        return plan_sweep(loaded, tiny_sweep(), folder)

    def rows(self, registry: Registry, plan: Any, **fields: Any) -> list[Row]:
        (identity,) = plan.values()
        fields = {"config": identity.config, "code": identity.code} | fields
        fields.setdefault("weights", encoder_weights(registry, identity.method_config))
        return [row(**fields)]

    def test_needs_no_more_than_the_same_options(self, registry: Registry, plan: Any) -> None:
        rows = self.rows(registry, plan, sweep="other", levels={"another": "level"}, method="other-name")
        assert list(recorded(registry, plan, rows).values()) == [rows]

    @pytest.mark.parametrize("option", ["prompt.context_tokens", "training.learning_rate", "run.protocol"])
    def test_not_where_an_option_differs(self, registry: Registry, plan: Any, option: str) -> None:
        (identity,) = plan.values()
        rows = self.rows(registry, plan, config=identity.config | {option: 77})
        assert recorded(registry, plan, rows) == {}

    def test_where_an_option_has_come_since_and_has_its_default(self, registry: Registry, plan: Any) -> None:
        (identity,) = plan.values()
        older = {name: value for name, value in identity.config.items() if name != "prompt.pairing"}
        assert len(recorded(registry, plan, self.rows(registry, plan, config=older))) == 1

    @pytest.mark.parametrize("option", ["training.steps", "losses.area.name"])
    def test_not_where_what_has_come_since_has_none(self, registry: Registry, plan: Any, option: str) -> None:
        (identity,) = plan.values()
        older = {name: value for name, value in identity.config.items() if name != option}
        assert recorded(registry, plan, self.rows(registry, plan, config=older)) == {}

    @pytest.mark.parametrize(
        "fields", [{"seed": 1}, {"dataset": "toy"}, {"split": "other"}, {"weights": {"clip": "abc"}}]
    )
    def test_not_of_other_data_seeds_or_weights(
        self, registry: Registry, plan: Any, fields: dict[str, Any]
    ) -> None:
        assert recorded(registry, plan, self.rows(registry, plan, **fields)) == {}

    def test_prefers_todays_code_then_the_newest(self, registry: Registry, plan: Any) -> None:
        made = [("old", "2026-01-03"), (None, "2026-01-02"), (None, "2026-01-01"), ("old", "2026-01-04")]
        rows = [
            self.rows(registry, plan, date=date, **({"code": code} if code else {}))[0] for code, date in made
        ]
        assert list(recorded(registry, plan, rows).values()) == [[rows[1]]]
        assert list(recorded(registry, plan, [rows[3], rows[0]]).values()) == [[rows[3]]]
