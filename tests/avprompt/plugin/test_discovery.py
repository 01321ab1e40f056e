"""Discovery: first-party and third-party plugins, good and broken ones."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from avprompt.errors import PluginError
from avprompt.plugin import hookspecs
from avprompt.plugin.discovery import Loaded, Plugin, load_plugins
from avprompt.registry import KINDS

Install = Callable[..., None]

OURS = {"acl", "audio", "beats", "benchmarks", "clip", "coop", "mini", "souple"}

GOOD = """
from avprompt.plugin import hookimpl

@hookimpl
def register_prompts(register):
    register("haiku", "their_module:Haiku")

class Haiku:
    pass
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
        r"unknown hook 'register_promts'",
    ),
    "a wrong hook argument": (
        GOOD + "@hookimpl\ndef register_losses(registry): pass\n",
        r"register_losses\(registry\)",
    ),
    "a hook that raises": (
        GOOD + "@hookimpl\ndef register_losses(register): raise KeyError('their bug')\n",
        r"KeyError: 'their bug'",
    ),
    "a hook that raises without words": (
        GOOD + "@hookimpl\ndef register_losses(register): raise ValueError\n",
        r"ValueError: no message",
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
    assert plugin(loaded, "broken-dist:theirs").failure == "RuntimeError: no"


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
    assert loaded.plugins[-1] == Plugin("my_prompt.py", str(file), "file")
    assert loaded.registry.load("prompts", "haiku").__name__ == "Haiku"


@pytest.mark.parametrize(
    ("name", "source", "reason"),
    [
        ("missing.py", None, "there is no such file"),
        ("raises.py", "1 / 0", "ZeroDivisionError: division by zero"),
        ("broken.py", "def (", "SyntaxError"),
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
