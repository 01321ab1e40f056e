"""The plugin files of a run: in its result, in its directory, and when it is used again."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import avprompt
from avprompt import api
from avprompt.errors import ConfigError, DataError
from avprompt.runs.finished import open_target
from avprompt.runs.results import RunResult, read_results

SOURCE = """
from avprompt.plugin import hookimpl

@hookimpl
def register_methods(register):
    register("deaf-mine", "mine.yaml")

VERSION = 1
"""
METHOD = "name: deaf-mine\nbase: deaf\n"


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    file = tmp_path / "mine" / "mine.py"
    file.write_text(SOURCE)
    file.with_name("mine.yaml").write_text(METHOD)
    return file


@pytest.fixture
def run(plugin: Path, tmp_path: Path) -> Path:
    """A finished run of the method that the plugin file registers."""
    run_in(tmp_path / "run", plugin)
    return tmp_path / "run"


def run_in(folder: Path, plugin: Path, **options: Any) -> RunResult:
    return api.run(
        "deaf-mine", "tiny", output=folder, plugins=[plugin], encoders="tiny", pictures=0, **options
    )


def opened(run: Path, **given: Any) -> tuple[str, ...]:
    """Return the plugin files that the run is used with."""
    _, _, options = open_target(run, None, given, trust=True)
    return tuple(options["plugins"])


class TestARun:
    def test_says_what_it_was_made_with(self, run: Path) -> None:
        expected = {"mine/mine.py": digest(SOURCE), "mine/mine.yaml": digest(METHOD)}
        assert read_results(run).plugin_files == expected

    def test_keeps_copies(self, run: Path) -> None:
        assert (run / "plugins/mine/mine.py").read_text() == SOURCE
        assert (run / "plugins/mine/mine.yaml").read_text() == METHOD

    def test_without_plugin_files_keeps_none(self, tmp_path: Path) -> None:
        result = avprompt.run("deaf", "tiny", output=tmp_path / "run", encoders="tiny", pictures=0)
        assert result.plugin_files == {}
        assert not (tmp_path / "run/plugins").exists()

    def test_of_a_release_that_kept_none_is_still_read(self, run: Path, plugin: Path) -> None:
        text = (run / "results.json").read_text()
        (run / "results.json").write_text(re.sub(r'"plugin_files": \{[^}]*\},', "", text))
        shutil.rmtree(run / "plugins")
        assert read_results(run).plugin_files == {}
        plugin.write_text(SOURCE + "# changed")
        assert opened(run) == (str(plugin),)


class TestUsedAgain:
    """With the user's trust."""

    def test_takes_the_files_where_they_were(self, run: Path, plugin: Path) -> None:
        assert opened(run) == (str(plugin),)

    @pytest.mark.parametrize("name", ["mine.py", "mine.yaml"])
    @pytest.mark.parametrize("change", ["has changed since the run was made", "is gone"])
    @pytest.mark.parametrize("finished", [True, False])
    def test_takes_the_copies_of_what_has_changed(
        self, run: Path, plugin: Path, name: str, change: str, finished: bool
    ) -> None:
        if not finished:
            (run / "results.json").unlink()
        file = plugin.with_name(name)
        file.unlink() if change == "is gone" else file.write_text("# changed")
        message = f"^'{file}' {change}: the copy in '{run}/plugins/mine' is used.$"
        with pytest.warns(UserWarning, match=message):
            assert opened(run) == (str(run / "plugins/mine/mine.py"),)

    def test_gives_the_same_scores_by_the_copies(self, run: Path, plugin: Path, tmp_path: Path) -> None:
        shutil.rmtree(plugin.parent)
        with pytest.warns(UserWarning, match="is gone"):
            api.evaluate(run, output=tmp_path / "again", trust=True, pictures=0)
        before, again = read_results(run), read_results(tmp_path / "again")
        assert (again.scores, again.plugin_files) == (before.scores, before.plugin_files)
        assert (tmp_path / "again/plugins/mine/mine.py").read_text() == SOURCE

    def test_takes_no_copy_that_is_another(self, run: Path, plugin: Path) -> None:
        (run / "plugins/mine/mine.yaml").write_text(METHOD + "# changed")
        assert opened(run) == (str(plugin),)
        plugin.unlink()
        message = rf"'{plugin}' is gone, and its copy '{run}/plugins/mine/mine.yaml' is not what made the run"
        with pytest.raises(DataError, match=message):
            opened(run)

    def test_takes_the_users_own_in_place_of_one_of_that_name(
        self, run: Path, plugin: Path, tmp_path: Path
    ) -> None:
        own = shutil.copy(plugin, tmp_path / "mine.py")
        plugin.write_text("# changed")
        assert opened(run, plugins=[own]) == (str(own),)

    def test_runs_nothing_without_trust(self, run: Path, plugin: Path) -> None:
        plugin.unlink()
        with pytest.raises(ConfigError, match=rf"names plugin files, whose code would run: '{plugin}'"):
            open_target(run, None, {})


class TestResumed:
    @pytest.mark.parametrize("name", ["mine.py", "mine.yaml"])
    def test_goes_on_with_the_same_files_only(self, run: Path, plugin: Path, name: str) -> None:
        with plugin.with_name(name).open("a") as file:
            file.write("# changed\n")
        message = rf"since the run in '{run}' began \('mine/{name}'\).*name the copies in '{run}/plugins'"
        with pytest.raises(ConfigError, match=message):
            run_in(run, plugin, resume=True)
        assert (run / "plugins/mine/mine.py").read_text() == SOURCE

    def test_goes_on_with_the_copies(self, run: Path, plugin: Path) -> None:
        before = read_results(run)
        (run / "results.json").unlink()
        plugin.unlink()
        (run / "train.jsonl").write_text('{"step": 0}\n')
        run_in(run, run / "plugins/mine/mine.py", resume=True)
        again = read_results(run)
        assert (again.scores, again.plugin_files) == (before.scores, before.plugin_files)

    def test_without_copies_goes_by_what_the_results_say(self, run: Path, plugin: Path) -> None:
        shutil.rmtree(run / "plugins")
        run_in(run, plugin, resume=True)
        plugin.write_text(SOURCE + "# changed\n")
        with pytest.raises(ConfigError, match=r"began \('mine/mine.py'\)"):
            run_in(run, plugin, resume=True)

    def test_warns_where_nobody_can_tell(self, run: Path, plugin: Path) -> None:
        (run / "results.json").unlink()
        (run / "train.jsonl").write_text('{"step": 0}\n')
        shutil.rmtree(run / "plugins")
        with pytest.warns(UserWarning, match=r"Nobody can tell .* \('mine/mine.py', 'mine/mine.yaml'\)"):
            run_in(run, plugin, resume=True)

    def test_may_begin_with_others_before_the_first_step(self, run: Path, plugin: Path) -> None:
        (run / "results.json").unlink()
        plugin.write_text(SOURCE.replace('"mine.yaml"', repr(METHOD)))
        run_in(run, plugin)
        assert [path.name for path in (run / "plugins/mine").iterdir()] == ["mine.py"]
        assert set(read_results(run).plugin_files) == {"mine/mine.py"}
