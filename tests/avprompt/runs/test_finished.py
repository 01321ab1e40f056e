"""What a finished run brings as a method, and what of it the user must trust first."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.errors import ConfigError
from avprompt.runs.finished import check_trusted, options_of_run
from avprompt.runs.settings import Settings

RECORDED = Settings(dataset="vggss", data_root=Path("/data"), encoders="mini", seed=4, plugins=("/p.py",))


class TestOptionsOfARun:
    def test_are_those_that_it_was_run_with(self) -> None:
        options = options_of_run(RECORDED, {})
        assert (options["dataset"], options["data_root"], options["seed"]) == ("vggss", Path("/data"), 4)
        assert options["encoders"] == "mini"

    def test_give_way_to_what_is_asked_now(self) -> None:
        given = {"seed": 0, "device": "cuda", "strict": True, "data_root": Path("/other")}
        options = options_of_run(RECORDED, given)
        assert (options["seed"], options["device"], options["strict"]) == (0, "cuda", True)
        assert options["data_root"] == Path("/other")

    def test_keep_no_folder_for_other_data(self) -> None:
        assert "data_root" not in options_of_run(RECORDED, {"dataset": "toy"})
        assert options_of_run(RECORDED, {"dataset": "vggss"})["data_root"] == Path("/data")


class TestPlugins:
    """Files of code that a run names are not loaded because it names them."""

    def test_are_those_that_the_user_names(self) -> None:
        assert options_of_run(RECORDED, {})["plugins"] == ()
        assert options_of_run(RECORDED, {"plugins": ["mine/p.py"]})["plugins"] == ("mine/p.py",)

    def test_of_the_run_come_with_trust(self) -> None:
        assert options_of_run(RECORDED, {}, trusted=("/p.py",))["plugins"] == ("/p.py",)
        both = options_of_run(RECORDED, {"plugins": ["q.py"]}, trusted=("/p.py",))
        assert both["plugins"] == ("/p.py", "q.py")

    def test_are_refused_by_name_with_both_ways_out(self) -> None:
        with pytest.raises(
            ConfigError, match=r"^The run 'r' names plugin files.*: '/p.py'.*--trust.*--plugin FILE"
        ):
            check_trusted(RECORDED.plugins, "The run 'r'", trust=False)
        check_trusted(RECORDED.plugins, "The run 'r'", trust=True)
        check_trusted((), "The run 'r'", trust=False)
