"""A sweep as data: two spellings of a factor, what the user changes, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avprompt.errors import ConfigError, UnknownNameError
from avprompt.plugin.discovery import Loaded
from avprompt.registry import Registry
from avprompt.sweeps.sweep import asked_sweep, parse_over, read_sweep
from sweeps_of_tiny import tiny_sweep

YAML = """
summary: how many tokens
methods: [souple]
datasets: [tiny]
seeds: [3]
set: [prompt.audio_token=first]
options: {steps: 2}
over: {prompt.context_tokens: [4, 8]}
factors: {decoder: {no: [decoder.trained=false], 1: []}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.yaml"
    path.write_text(YAML)
    return path


def test_over_is_a_factor_whose_levels_set_one_option() -> None:
    over = tiny_sweep(over={"prompt.context_tokens": (4, 8)})
    levels = {"4": ("prompt.context_tokens=4",), "8": ("prompt.context_tokens=8",)}
    assert over.all_factors() == {"prompt.context_tokens": levels}
    assert over.all_factors() == tiny_sweep(factors={"prompt.context_tokens": levels}).all_factors()


@pytest.mark.parametrize(
    ("text", "values"),
    [("4,8", [4, 8]), ("[4, 8]", [4, 8]), ("last,first", ["last", "first"]), ("null,1e-3", [None, 0.001])],
)
def test_values_are_yaml(text: str, values: list[Any]) -> None:
    assert parse_over([f"a.b={text}"]) == {"a.b": values}


def test_values_come_back_as_overrides() -> None:
    sweep = tiny_sweep(over={"a.b": (None, 0.001, True, [1, 2], "a photo of")})
    assert sweep.all_factors()["a.b"] == {
        "null": ("a.b=null",),
        "0.001": ("a.b=0.001",),
        "true": ("a.b=true",),
        "1-2": ("a.b=[1, 2]",),
        "a-photo-of": ("a.b=a photo of",),
    }


def test_a_file_is_named_by_itself_and_its_levels_by_text(registry: Registry, file: Path) -> None:
    sweep = read_sweep(registry, [str(file)])
    assert (sweep.name, sweep.seeds, sweep.summary) == ("tokens", (3,), "how many tokens")
    assert list(sweep.factors["decoder"]) == ["False", "1"]


def test_methods_are_a_sweep_without_factors(registry: Registry) -> None:
    sweep = read_sweep(registry, ["souple", "acl-ssl"])
    assert (sweep.name, sweep.methods, sweep.all_factors()) == ("souple-acl-ssl", ("souple", "acl-ssl"), {})


def test_what_the_user_gives_takes_the_place_of_what_the_file_says(loaded: Loaded, file: Path) -> None:
    options = {"steps": 5, "overrides": ["prompt.audio_token=last", "prompt.words=a dog"]}
    sweep = asked_sweep(loaded, file, seeds=[1], over={"a.b": [1]}, **options)
    assert (sweep.seeds, sweep.datasets, sweep.options) == ((1,), ("tiny",), {"steps": 5})
    assert sweep.set == ("prompt.audio_token=last", "prompt.words=a dog")
    assert list(sweep.over) == ["prompt.context_tokens", "a.b"]


class TestRefusal:
    def test_names_a_table_that_a_sweep_does_not_have(self, registry: Registry, file: Path) -> None:
        file.write_text(YAML.replace("seeds", "seds"))
        with pytest.raises(ConfigError, match=r"has no option 'seds'. Did you mean 'seeds'?"):
            read_sweep(registry, [str(file)])

    def test_of_a_sweep_beside_a_method(self, registry: Registry, file: Path) -> None:
        with pytest.raises(ConfigError, match="is a sweep, and names its methods"):
            read_sweep(registry, ["souple", str(file)])

    def test_of_a_sweep_that_is_not_there(self, registry: Registry) -> None:
        with pytest.raises(ConfigError, match=r"no sweep or method 'world'\. Did you mean 'worlds'\?"):
            read_sweep(registry, ["world"])

    def test_of_a_factor_without_levels_and_of_one_twice(self) -> None:
        with pytest.raises(ConfigError, match=r"The factor 'a' of the sweep 'tiny' has no levels."):
            tiny_sweep(factors={"a": {}}).all_factors()
        with pytest.raises(ConfigError, match=r"has two factors 'a.b'"):
            tiny_sweep(factors={"a.b": {"x": ()}}, over={"a.b": (1,)}).all_factors()

    def test_of_names_that_make_no_folder(self) -> None:
        with pytest.raises(ConfigError, match="'a/b' in the sweep 'tiny' must be a short name"):
            tiny_sweep(factors={"a": {"a/b": ()}}).all_factors()
        with pytest.raises(ConfigError, match=r"need names that differ: a b, a-b."):
            tiny_sweep(over={"p.words": ("a b", "a-b")}).all_factors()

    @pytest.mark.parametrize("text", ["prompt.words", "prompt.words=", "words=a,b"])
    def test_of_what_is_no_option_with_values(self, text: str) -> None:
        with pytest.raises(ConfigError, match=r"takes part.option=value"):
            parse_over([text])

    def test_of_an_option_twice(self) -> None:
        with pytest.raises(ConfigError, match=r"--over a.b is given twice"):
            parse_over(["a.b=1", "a.b=2"])

    def test_of_a_method_that_is_not_there(self, loaded: Loaded, folder: Path) -> None:
        from avprompt.sweeps.plan import plan_sweep

        with pytest.raises(
            UnknownNameError, match=r"In the run 'tiny soupel seed 0': .*Did you mean 'souple'?"
        ):
            plan_sweep(loaded, tiny_sweep(methods=("soupel",)), folder)
