"""Cells: the product, folders that can be read, and commands that make the very same run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from avprompt.cli.options import given_options
from avprompt.cli.run import run
from avprompt.errors import ConfigError
from avprompt.plugin.discovery import Loaded
from avprompt.runs.settings import Settings
from avprompt.sweeps.cells import cells_of, levels_text
from avprompt.sweeps.plan import plan_sweep
from sweeps_of_tiny import FACTORS, STEPS, tiny_sweep


def test_are_every_level_with_every_other_on_every_dataset_with_every_seed(folder: Path) -> None:
    sweep = tiny_sweep(factors=FACTORS, datasets=("tiny", "tiny-openset"), seeds=(4, 2))
    cells = cells_of(sweep, folder)
    assert len(cells) == 2 * 2 * 2 * 2
    assert cells[0].folder == folder / "tiny/souple/prompt=fixed,decoder=frozen/seed4"
    assert cells[0].levels == {"prompt": "fixed", "decoder": "frozen"}
    assert cells[0].settings.overrides == ("prompt.name=fixed", "decoder.trained=false")
    assert cells[-1].folder == folder / "tiny-openset/souple/prompt=metanet,decoder=trained/seed2"
    assert cells[-1].settings.overrides == ()


def test_without_factors_have_short_folders(folder: Path) -> None:
    (cell,) = cells_of(tiny_sweep(), folder)
    assert cell.folder == folder / "tiny/souple/seed0"
    assert cell.name == "tiny souple seed 0"


def test_levels_are_named_by_the_last_word_of_an_option_unless_two_share_it() -> None:
    assert levels_text({"prompt.audio_token": "last"}) == "audio_token=last"
    levels = {"prompt.trained": "true", "decoder.trained": "false"}
    assert levels_text(levels) == "prompt.trained=true,decoder.trained=false"


@pytest.mark.parametrize(
    "options",
    [
        STEPS,
        {"strict": True, "save_predictions": True, "compile": False, "train_list": None},
        {"epochs": 2, "splits": ["test"], "protocols": ["val-threshold", "acl-sweep"], "by": ["size"]},
        {"encoders": "tiny", "precision": "bf16", "device": "cpu", "cache_size": 0.5, "plugins": ["a b.py"]},
    ],
)
def test_commands_say_all_that_a_run_is_given(folder: Path, options: dict[str, Any]) -> None:
    sweep = tiny_sweep(options=options, seeds=(7,), set=("prompt.words=a photo of",), factors=FACTORS)
    for cell in cells_of(sweep, folder):
        program, name, *arguments = shlex.split(cell.command)
        assert (program, name) == ("avprompt", "run")
        with run.make_context("run", arguments) as context:
            assert Settings.of(given_options()) == cell.settings
            assert context.params["method"] == "souple"
            assert context.params["output"] == cell.folder
            assert not context.params["resume"]


def test_every_option_of_a_run_can_stand_in_a_command() -> None:
    from avprompt.runs.settings import RunOptions
    from avprompt.sweeps.cells import flag

    known = {name for option in run.params if isinstance(option, click.Option) for name in option.opts}
    assert {flag(name) for name in RunOptions.__annotations__} <= known


class TestRefusal:
    def test_of_an_option_that_two_factors_set(self, folder: Path) -> None:
        factors = {"a": {"x": ("prompt.words=a",)}, "b": {"y": ("prompt.words=b",)}}
        with pytest.raises(ConfigError, match=r"'prompt.words' is set twice in the sweep 'tiny', at a=x,b=y"):
            cells_of(tiny_sweep(factors=factors), folder)
        with pytest.raises(ConfigError, match="only one factor, or --set, may set an option"):
            cells_of(tiny_sweep(over={"prompt.words": ("a", "b")}, set=("prompt.words=c",)), folder)

    @pytest.mark.parametrize("fields", [{"methods": ("a/m.yaml", "b/m.yaml")}, {"seeds": (1, 1)}])
    def test_of_two_runs_in_one_folder(self, folder: Path, fields: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match="2 runs of the sweep 'tiny' would go to "):
            cells_of(tiny_sweep(**fields), folder)

    def test_of_options_that_the_sweep_has_itself(self, folder: Path) -> None:
        with pytest.raises(ConfigError, match="has 'seed' among its options: write `datasets`, `seeds`"):
            cells_of(tiny_sweep(options={"seed": 1}), folder)

    def test_of_a_cell_that_does_not_fit_before_any_is_run(self, loaded: Loaded, folder: Path) -> None:
        sweep = tiny_sweep(over={"prompt.context_tokens": (4, -4)})
        with pytest.raises(
            ConfigError, match=r"In the run 'tiny souple context_tokens=-4 seed 0': prompt.context"
        ):
            plan_sweep(loaded, sweep, folder)
        assert not folder.exists()


def test_a_method_that_trains_nothing_has_one_seed(loaded: Loaded, folder: Path) -> None:
    plan = plan_sweep(loaded, tiny_sweep(methods=("oracle", "souple"), seeds=(5, 6)), folder)
    assert [(cell.method, cell.seed) for cell in plan] == [("oracle", 5), ("souple", 5), ("souple", 6)]
