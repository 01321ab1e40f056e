"""Method files read by themselves and over their bases, and encoder sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from avprompt.config.method_config import resolve
from avprompt.config.method_file import method_text, read_encoder_set, read_method
from avprompt.errors import ConfigError, UnknownNameError
from avprompt.registry import Registry


@pytest.mark.parametrize("text", ["prompt: [", "- a list", "", "just words"])
def test_a_file_that_is_no_method(registry: Registry, tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"The method '.*broken.yaml' (is not valid YAML|must be tables)"):
        resolve(registry, str(file), "tiny")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "losses": ({"losses": None}, r"'losses' in the method 'a.yaml' must be a table of options, not None"),
    "training": ({"training": "fast"}, r"'training' in the method 'a.yaml' must be a table.*not 'fast'"),
    "with": ({"with": 5}, r"'with' in the method 'a.yaml' must be a table of options, not 5"),
    "variant": ({"with": {"tiny": [1]}}, r"with.tiny in the method 'a.yaml' must be tables.*not \[1\]"),
    "part of a variant": (
        {"with": {"mini": {"promt": {}}}},
        r"The table with.mini of the method 'a.yaml' has no part 'promt'. Did you mean 'prompt'",
    ),
    "type in a variant": (
        {"with": {"mini": {"losses": ["area"]}}},
        r"'losses' in the table with.mini of the method 'a.yaml' must be a table of options",
    ),
    "base": ({"base": 5}, r"'base' in the method 'a.yaml' must be text, not 5"),
}


@pytest.mark.parametrize(("tables", "message"), WRONG.values(), ids=WRONG)
def test_types_are_checked_before_anything_is_merged(
    registry: Registry, files: Any, tables: dict[str, Any], message: str
) -> None:
    files({"a.yaml": {"base": "souple"} | tables})
    with pytest.raises(ConfigError, match=message):
        resolve(registry, "a.yaml", "tiny")


class TestBase:
    def test_gives_what_the_file_does_not_say(self, registry: Registry, files: Any) -> None:
        files({"a.yaml": {"base": "souple", "prompt": {"context_tokens": 8}}})
        mine, souple = read_method(registry, "a.yaml"), read_method(registry, "souple")
        assert mine.pop("name") == "mine"
        assert mine["prompt"].pop("context_tokens") == 8
        assert souple.pop("name") == "souple"
        assert souple["prompt"].pop("context_tokens") == 4
        assert mine == souple

    def test_may_be_a_file_named_from_where_the_other_is(self, registry: Registry, files: Any) -> None:
        files(
            {
                "a.yaml": {"base": "deep/b.yaml", "masker": {"bias": 1}},
                "deep/b.yaml": {"base": "../c.yaml", "masker": {"bias": 2, "scale": 2}},
                "c.yaml": {"base": "souple", "masker": {"bias": 3, "scale": 3, "trained": False}},
            }
        )
        masker = read_method(registry, "a.yaml")["masker"]
        assert masker == {"name": "gumbel-sigmoid", "bias": 1, "scale": 2, "trained": False}

    def test_may_have_the_files_own_name(self, registry: Registry, files: Any) -> None:
        files({"souple.yaml": {"name": "souple", "base": "souple", "masker": {"bias": 1}}})
        assert read_method(registry, "souple.yaml")["masker"]["bias"] == 1

    def test_may_be_a_finished_run(self, registry: Registry, files: Any) -> None:
        run = resolve(registry, "souple", "tiny", ["training.steps=7"])
        files({"run/config.yaml": yaml.safe_load(run.to_yaml()) | {"run": {"seed": 3}}})
        files({"a.yaml": {"base": "run/config.yaml", "prompt": {"context_tokens": 8}}})
        mine = resolve(registry, "a.yaml", "tiny")
        assert mine == run.model_copy(update={"name": "mine", "prompt": run.prompt | {"context_tokens": 8}})

    def test_gives_summary_and_paper_but_no_name(self, registry: Registry, files: Any) -> None:
        files({"a.yaml": {"base": "souple"}, "b.yaml": {"base": "a.yaml", "summary": "Better", "paper": ""}})
        souple = resolve(registry, "souple", "tiny")
        mine, better = resolve(registry, "a.yaml", "tiny"), resolve(registry, "b.yaml", "tiny")
        assert (mine.name, mine.summary, mine.paper) == ("mine", souple.summary, souple.paper)
        assert (better.summary, better.paper) == ("Better", "")
        Path("a.yaml").write_text("base: souple")
        with pytest.raises(ConfigError, match=r"The method 'a.yaml' has no name of its own"):
            resolve(registry, "a.yaml", "tiny")

    def test_loses_what_another_part_does_not_have(self, registry: Registry, files: Any) -> None:
        files({"a.yaml": {"base": "souple-cross", "prompt": {"name": "coop"}, "losses": {"area": None}}})
        mine = resolve(registry, "a.yaml", "tiny")
        assert "reduction" not in mine.prompt
        assert mine.prompt["pairing"] == "cross"
        assert "area" not in mine.losses

    def test_lays_tables_by_encoder_set_over_each_other(self, registry: Registry, files: Any) -> None:
        files(
            {
                "a.yaml": {"base": "b.yaml", "with": {"tiny": {"training": {"steps": 7}}}},
                "b.yaml": {"base": "souple", "with": {"tiny": {"training": {"steps": 5, "crop": 1.0}}}},
            }
        )
        training = resolve(registry, "a.yaml", "tiny").training
        assert (training.steps, training.crop) == (7, 1.0)

    def test_does_not_stay_in_what_is_resolved(self, registry: Registry) -> None:
        resolved = yaml.safe_load(resolve(registry, "souple-cross", "mini").to_yaml())
        assert not resolved.keys() & {"base", "with"}

    def test_holds_for_a_copy_of_a_shipped_file(self, registry: Registry, tmp_path: Path) -> None:
        copy = tmp_path / "copy.yaml"
        copy.write_text(method_text(registry, "souple-cross"))
        assert resolve(registry, str(copy), "mini") == resolve(registry, "souple-cross", "mini")

    def test_types_in_it_are_checked_by_themselves(self, registry: Registry, files: Any) -> None:
        files({"a.yaml": {"base": "b.yaml", "training": {}}, "b.yaml": {"training": "fast"}})
        with pytest.raises(ConfigError, match=r"'training' in the method 'b.yaml' must be a table"):
            resolve(registry, "a.yaml", "tiny")

    def test_that_is_not_there(self, registry: Registry, files: Any) -> None:
        files({"a.yaml": {"base": "suple"}, "b.yaml": {"base": "gone.yaml"}})
        with pytest.raises(UnknownNameError, match=r"base of the method 'a.yaml' is not.*mean 'souple'"):
            read_method(registry, "a.yaml")
        with pytest.raises(UnknownNameError, match=r"base of the method 'b.yaml' is not.*file 'gone.yaml'"):
            read_method(registry, "b.yaml")

    def test_in_a_circle(self, registry: Registry, files: Any) -> None:
        files({"x.yaml": {"base": "a.yaml"}, "a.yaml": {"base": "b.yaml"}, "b.yaml": {"base": "./a.yaml"}})
        for first in ("x.yaml", "./a.yaml", "b.yaml"):
            with pytest.raises(ConfigError, match=r"circle: (\./)?[ab].yaml -> [ab].yaml -> [ab].yaml\.$"):
                read_method(registry, first)
        files({"a.yaml": {"base": "a.yaml"}})
        with pytest.raises(ConfigError, match=r"in a circle: a.yaml -> a.yaml\.$"):
            read_method(registry, "a.yaml")

    def test_of_a_registered_method_is_registered(self, register: Any, files: Any) -> None:
        registry = register("methods", "theirs", {"name": "theirs", "base": "souple", "masker": {"bias": 1}})
        assert read_method(registry, "theirs")["masker"]["bias"] == 1
        files({"a.yaml": {"base": "theirs"}})
        assert read_method(registry, "a.yaml")["masker"]["bias"] == 1
        registry = register("methods", "lost", {"name": "lost", "base": "a.yaml"})
        with pytest.raises(ConfigError, match=r"'lost' comes from a plugin, so its base must be a reg"):
            read_method(registry, "lost")
        registry = register("methods", "round", {"name": "round", "base": "round"})
        with pytest.raises(ConfigError, match=r"in a circle: round -> round\.$"):
            read_method(registry, "round")


def test_an_encoder_set_is_its_encoders_and_what_changes_with_them(register: Any) -> None:
    encoders = {"backbone": {"name": "tiny-clip"}, "audio_encoder": {"name": "tiny-ear"}}
    changes = {"training": {"steps": 7}, "losses": {"area": {"target": 0.1}}}
    registry = register("encoder_sets", "theirs", encoders | changes)
    assert read_encoder_set(registry, "theirs") == (encoders, changes)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"traning": {}}, r"The encoder set 'theirs' has no part 'traning'. Did you mean 'training'"),
        ({"backbone": "mini-clip"}, r"'backbone' in the encoder set 'theirs' must be a table of options"),
        ({"name": "theirs"}, r"The encoder set 'theirs' has no part 'name'"),
    ],
)
def test_an_encoder_set_with_mistakes(register: Any, tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_encoder_set(register("encoder_sets", "theirs", tables), "theirs")
