"""What a user chooses beside the method: groups, defaults, and what a run directory keeps of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from avprompt.errors import ConfigError
from avprompt.runs.settings import GROUPS, RunOptions, Settings


class TestSettings:
    def test_options_are_sorted_into_their_groups(self) -> None:
        settings = Settings.of({"dataset": "tiny", "steps": 2, "splits": ["test"], "device": "cpu"})
        assert (settings.dataset, settings.training.steps) == ("tiny", 2)
        assert (settings.evaluation.splits, settings.compute.device) == (("test",), "cpu")

    def test_every_option_has_one_place(self) -> None:
        fields = [name for model in (Settings, *GROUPS.values()) for name in model.model_fields]
        assert len(set(fields)) == len(fields)
        assert set(fields) - GROUPS.keys() - {"dataset"} == RunOptions.__annotations__.keys()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"stpes": 2}, "There is no option 'stpes'. Did you mean 'steps'?"),
            ({"steps": 0}, r"settings.training.steps: Input should be greater than or equal to 1 \(got 0\)"),
            ({"device": "tpu"}, "settings.compute.device: Input should be 'auto', 'cpu' or 'cuda'"),
            ({"seed": -1}, "settings.seed: Input should be greater than or equal to 0"),
            ({"seed": True}, r"settings.seed: Input should be a valid integer \(got True\)"),
            ({"steps": "5"}, r"settings.training.steps: Input should be a valid integer \(got '5'\)"),
            ({"strict": 1}, r"settings.strict: Input should be true or false \(got 1\)"),
            ({"plugins": "x.py"}, r"settings.plugins: Input should be a list \(got 'x.py'\)"),
            ({"plugins": 3}, r"settings.plugins: Input should be a list \(got 3\)"),
            ({"splits": "test"}, r"settings.evaluation.splits: Input should be a list \(got 'test'\)"),
            ({"data_root": ""}, "settings.data_root: Input should not be empty; leave the option out"),
            ({"train_list": ""}, "settings.training.train_list: Input should not be empty"),
            ({"encoders": ""}, "settings.encoders: Input should not be empty"),
            ({"overrides": [""]}, "settings.overrides: Input should not be empty"),
        ],
    )
    def test_what_does_not_fit_is_named(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            Settings.of(options)

    def test_an_option_without_a_value_keeps_the_methods(self) -> None:
        assert Settings.of({"steps": None, "epochs": None, "seed": 4}).training.overrides() == ()

    @pytest.mark.parametrize(("options", "accumulate"), [({}, 1), ({"accumulate": 3}, 3)])
    def test_a_batch_is_a_step_unless_told_otherwise(self, options: dict[str, Any], accumulate: int) -> None:
        """Whatever the method accumulates, so that methods compared take equally many clips in a step."""
        overrides = Settings.of({"batch_size": 4, **options}).training.overrides()
        assert set(overrides) == {"training.batch_size=4", f"training.accumulate={accumulate}"}

    def test_epochs_take_the_place_of_the_methods_steps(self) -> None:
        overrides = Settings.of({"epochs": 2}).training.overrides()
        assert set(overrides) == {"training.epochs=2", "training.steps=null"}

    def test_are_plain_and_hold_from_any_folder(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        options = {"data_root": "data", "plugins": [Path("mine.py")], "splits": ["test"], "shards": "packed"}
        recorded = Settings.of(options).recorded()
        assert yaml.safe_load(yaml.safe_dump(recorded)) == recorded
        assert recorded["data_root"] == str(tmp_path / "data")
        assert recorded["plugins"] == [str(tmp_path / "mine.py")]
        assert recorded["training"]["shards"] == str(tmp_path / "packed")
        assert Settings(**recorded).recorded() == recorded
