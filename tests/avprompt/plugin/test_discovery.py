"""Discovery: first-party and third-party plugins, good and broken ones."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from avprompt.errors import PluginError, UnknownNameError
from avprompt.plugin import hookspecs
from avprompt.plugin.discovery import Loaded, Plugin, load_plugins
from avprompt.registry import KINDS

Install = Callable[..., None]

OURS = {"acl", "audio", "beats", "benchmarks", "clip", "coop", "maple", "mini", "souple", "training", "words"}

GOOD = """
from avprompt.plugin import ContextPrompt, hookimpl

@hookimpl
def register_prompts(register):
    register("haiku", "their_module:Haiku")

class Haiku(ContextPrompt):
    def context(self, image):
        return image.pooled[:, None]
"""


def plugin(loaded: Loaded, name: str) -> Plugin:
    (found,) = [plugin for plugin in loaded.plugins if plugin.name == name]
    return found


def test_first_party_plugins_work(loaded: Loaded) -> None:
    ours = {plugin.name: plugin.failure for plugin in loaded.plugins if ":" not in plugin.name}
    assert ours == dict.fromkeys(OURS)
    assert loaded.versions()["souple"] == metadata.version("avprompt")


def test_a_third_party_plugin_loads_beside_ours(install_plugin: Install) -> None:
    install_plugin("their_module", GOOD)
    loaded = load_plugins()
    assert plugin(loaded, "their-dist:theirs") == Plugin("their-dist:theirs", "their_module", "2.5")
    assert loaded.registry.find("prompts", "haiku").owner == "their-dist:theirs"
    assert loaded.registry.load("prompts", "haiku").__name__ == "Haiku"
    assert {"fixed", "metanet", "haiku"} <= set(loaded.registry.names("prompts"))


def test_the_entry_point_name_of_one_of_ours_keeps_both(install_plugin: Install) -> None:
    install_plugin("their_module", GOOD, entry="souple")
    loaded = load_plugins()
    assert plugin(loaded, "souple").failure is plugin(loaded, "their-dist:souple").failure is None
    assert {"haiku", "metanet"} <= set(loaded.registry.names("prompts"))


BROKEN = {
    "an import that fails": ("import not_there_at_all\n" + GOOD, r"ModuleNotFoundError: .*not_there_at_all"),
    "a misspelt hook": (
        GOOD + "@hookimpl\ndef register_promts(register): pass\n",
        r"it has an unknown hook 'register_promts'. Did you mean 'register_prompts'\?",
    ),
    "a wrong hook argument": (
        GOOD + "@hookimpl\ndef register_losses(registry): pass\n",
        r"its hook 'register_losses\(registry\)' must take one argument: register_losses\(register\)",
    ),
    "a hook that raises": (
        GOOD + "@hookimpl\ndef register_losses(register): raise KeyError('their bug')\n",
        r"^KeyError: 'their bug' \(their_module.py, line 12, in register_losses\)$",
    ),
    "a hook that raises without words": (
        GOOD + "@hookimpl\ndef register_losses(register): raise ValueError\n",
        r"ValueError: no message \(their_module.py",
    ),
    "a hook that ends the process": (
        GOOD + "@hookimpl\ndef register_losses(register): raise SystemExit(3)\n",
        r"^SystemExit: 3 \(their_module.py, line 12, in register_losses\)$",
    ),
    "an exception of no common kind": (
        "class Odd(BaseException): pass\nraise Odd('their way')\n",
        r"^Odd: their way \(their_module.py, line 2\)$",
    ),
    "a forgotten mark": (
        GOOD + "def register_losses(register): pass\n",
        r"its function 'register_losses' is not marked as a hook. Write @hookimpl in the line above it",
    ),
    "no hook": ("x = 1\n", r"it has no hook, so nothing of it would be registered. Write one"),
    "a hook that returns its parts": (
        GOOD + "@hookimpl\ndef register_losses(register): return {'mine': Haiku}\n",
        r"its hook 'register_losses' returned \{'mine': .* It must call register\(name, part\)",
    ),
    "a part without a name": (
        GOOD + "@hookimpl\ndef register_losses(register): register(Haiku)\n",
        r"TypeError: .*register\(\) missing 1 required positional argument: 'target' \(their_module.py",
    ),
    "a part for a name": (
        GOOD + "@hookimpl\ndef register_losses(register): register(Haiku, 'mine')\n",
        r"registers a loss under <class .*Haiku'>, which is no name",
    ),
    "a place without an attribute": (
        GOOD + "@hookimpl\ndef register_losses(register): register('mine', 'their_module')\n",
        r"The loss 'mine' .* is at 'their_module', but a place is written 'module:attribute'",
    ),
    "a name registered twice": (
        GOOD.replace('Haiku")', "Haiku\"); register('haiku', Haiku)", 1),
        r"The prompt generator 'haiku' of plugin 'their-dist:theirs' is registered twice",
    ),
    "a name of ours": (
        GOOD + "@hookimpl\ndef register_audio_encoders(register): register('beats', 'their_module:Haiku')\n",
        r"audio encoder 'beats' is already registered by plugin 'beats'; plugin 'their-dist:theirs' must",
    ),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_reported_and_rolled_back(
    install_plugin: Install, source: str, reason: str
) -> None:
    install_plugin("their_module", source)
    loaded = load_plugins()
    failure = plugin(loaded, "their-dist:theirs").failure
    assert failure is not None
    assert re.search(reason, failure), failure
    assert "haiku" not in loaded.registry.names("prompts")
    assert loaded.registry.entries("their-dist:theirs") == []
    assert "their-dist:theirs" not in loaded.versions()
    assert loaded.registry.find("audio_encoders", "beats").owner == "beats"


def test_a_broken_plugin_stops_no_other(install_plugin: Install) -> None:
    install_plugin("broken_module", "raise RuntimeError('no')", dist="broken-dist")
    install_plugin("their_module", GOOD)
    loaded = load_plugins()
    assert "haiku" in loaded.registry.names("prompts")
    assert plugin(loaded, "broken-dist:theirs").failure == "RuntimeError: no (broken_module.py, line 1)"


def test_what_is_missing_may_be_in_a_plugin_that_is_not_loaded(install_plugin: Install) -> None:
    install_plugin("their_module", "import not_there_at_all\n" + GOOD)
    reason = r"Plugin 'their-dist:theirs' is not loaded: ModuleNotFoundError: .*not_there_at_all"
    with pytest.raises(UnknownNameError, match=rf"There is no prompt generator 'haiku'. .*\n{reason}"):
        load_plugins().registry.load("prompts", "haiku")


def test_two_third_parties_cannot_share_a_name(install_plugin: Install) -> None:
    install_plugin("their_module", GOOD)
    install_plugin("other_module", GOOD, dist="other-dist")
    loaded = load_plugins()
    failures = [plugin(loaded, f"{dist}:theirs").failure for dist in ("other-dist", "their-dist")]
    assert sum(failure is None for failure in failures) == 1
    assert "'haiku' is already registered by plugin" in next(failure for failure in failures if failure)


def test_a_plugin_file_loads(tmp_path: Path) -> None:
    file = tmp_path / "my_prompt.py"
    file.write_text(GOOD.replace('"their_module:Haiku"', "Haiku"))
    loaded = load_plugins((str(file),))
    contents = {"my_prompt.py": file.read_bytes()}
    assert loaded.plugins[-1] == Plugin("my_prompt.py", str(file), "file", contents=contents)
    assert loaded.registry.load("prompts", "haiku").__name__ == "Haiku"


@pytest.mark.parametrize(
    ("name", "source", "reason"),
    [
        ("missing.py", None, "there is no such file"),
        ("raises.py", "1 / 0", r"ZeroDivisionError: division by zero \(raises.py, line 1\)"),
        ("leaves.py", "import sys\nsys.exit('bye')", r"SystemExit: bye \(leaves.py, line 2\)"),
        ("broken.py", "def (", r"SyntaxError: .*\(broken.py, line 1\)"),
        ("none.py", "", "it has no hook"),
        ("words.txt", "hello", "not a Python file"),
        ("thief.py", GOOD.replace("haiku", "metanet"), "already registered by plugin 'souple'"),
    ],
)
def test_a_plugin_file_that_breaks_is_an_error(
    tmp_path: Path, name: str, source: str | None, reason: str
) -> None:
    file = tmp_path / name
    if source is not None:
        file.write_text(source)
    with pytest.raises(PluginError, match=rf"The plugin file '.*{name}' cannot be used: .*{reason}"):
        load_plugins((str(file),))


def test_a_plugin_file_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"cannot be used: it is a folder. Name a Python file in it"):
        load_plugins((str(tmp_path),))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    files = [tmp_path / folder / "mine.py" for folder in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        file.write_text(GOOD.replace('"their_module:Haiku"', "Haiku"))
    message = rf"Two plugin files are called 'mine.py': '{files[0]}' and '{files[1]}'. Rename one of them.$"
    with pytest.raises(PluginError, match=message):
        load_plugins(tuple(map(str, files)))


def test_a_file_given_twice_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.py"
    file.write_text(GOOD.replace('"their_module:Haiku"', "Haiku"))
    assert len(load_plugins(("mine.py", str(file))).plugins) == len(load_plugins().plugins) + 1


def test_a_stopped_plugin_stops_us(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_plugins((str(file),))


def test_there_is_a_hook_for_every_kind() -> None:
    hooks = {name for name in vars(hookspecs) if name.startswith("register_")}
    assert hooks == {f"register_{kind}" for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_hook_says_what_it_is_for(kind: str) -> None:
    hook = getattr(hookspecs, f"register_{kind}")
    assert (inspect.getdoc(hook) or "").startswith("Register ")
    assert list(inspect.signature(hook).parameters) == ["register"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_registered_part_is_there(loaded: Loaded, kind: str) -> None:
    for name in loaded.registry.names(kind):
        assert loaded.registry.load(kind, name), name
