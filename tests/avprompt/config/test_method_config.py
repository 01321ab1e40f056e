"""Methods as data: encoders, file, what changes with an encoder set, then what the user sets."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avprompt.config.method_config import MethodConfig, resolve
from avprompt.config.method_file import method_text
from avprompt.errors import AvpromptError, ConfigError, PluginError, UnknownNameError
from avprompt.plugin.discovery import Loaded, load_plugins
from avprompt.registry import Registry

METHODS = load_plugins().registry.names("methods")
BACKBONES = {"published": "clipseg", "mini": "mini-clip", "tiny": "tiny-clip"}


@pytest.mark.parametrize("encoders", BACKBONES)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_resolves_with_any_encoders(registry: Registry, method: str, encoders: str) -> None:
    method_config = resolve(registry, method, encoders)
    assert method_config.name == method
    assert method_config.backbone["name"] == BACKBONES[encoders]


@pytest.mark.parametrize("encoders", ["tiny", "mini"])
@pytest.mark.parametrize("method", METHODS)
def test_a_resolved_method_runs_as_a_method_again(
    registry: Registry, method: str, encoders: str, tmp_path: Path
) -> None:
    overrides = ["training.epochs=3", "training.steps=null", "masker.bias=2"]
    method_config = resolve(registry, method, encoders, overrides)
    file = tmp_path / "config.yaml"
    file.write_text(method_config.to_yaml() + "run: {seed: 3}\n")
    assert resolve(registry, str(file), encoders) == method_config


def test_a_method_is_a_name_or_a_file(registry: Registry, write: Any) -> None:
    file = write(summary="mine")
    assert resolve(registry, file, "tiny").summary == "mine"
    with pytest.raises(UnknownNameError, match=r"There is no method 'suple'. Did you mean 'souple'\?"):
        resolve(registry, "suple", "tiny")
    with pytest.raises(UnknownNameError, match=r"There is no method file 'gone.yaml'"):
        resolve(registry, "gone.yaml", "tiny")
    with pytest.raises(UnknownNameError, match=r"There is no encoder set 'tinny'. Did you mean 'tiny'"):
        resolve(registry, "souple", "tinny")


@pytest.mark.parametrize("method", ["souple", "souple-cross", "acl-ssl", "coop", "cocoop", "maple"])
def test_methods_take_equally_many_clips_in_a_step(registry: Registry, method: str) -> None:
    training = resolve(registry, method, "published").training
    assert training.batch_size * training.accumulate == 16


@pytest.mark.parametrize(
    "option",
    ["hidden", "initialise", "normalise", "compare_with", "schedule", "warmup_steps",
     "clip_norm", "negatives", "flip", "crop"],
)  # fmt: skip
def test_what_souple_does_not_publish_is_marked_as_ours(registry: Registry, option: str) -> None:
    assert_ours(registry, "souple", option)


@pytest.mark.parametrize("option", ["start", "initialise", "words", "learning_rate_scale"])
def test_what_is_better_than_the_paper_is_marked_as_ours(registry: Registry, option: str) -> None:
    assert_ours(registry, "souple-words", option)


def assert_ours(registry: Registry, method: str, option: str) -> None:
    lines = [line for line in method_text(registry, method).splitlines() if f"{option}:" in line]
    assert lines
    assert all("# ours" in line for line in lines)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.learning_rate=1e38", r"training.learning_rate: Input should be less than or equal to 1 "),
        ("training.weight_decay=.inf", r"training.weight_decay: Input should be a finite number"),
        (
            "prompt.learning_rate_scale=1e38",
            r"prompt.learning_rate_scale: Input should be less than or equal",
        ),
        ("losses.area.weight=.nan", r"losses.area.weight: Input should be a finite number"),
    ],
)
def test_numbers_that_nothing_can_be_trained_with(registry: Registry, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(registry, "souple", "tiny", [override])


@pytest.mark.parametrize("words", ["''", "' '"])
def test_a_start_without_words_is_refused_by_every_method(registry: Registry, words: str) -> None:
    with pytest.raises(ConfigError, match=r"projection.start: Input should be a word, or null for none"):
        resolve(registry, "souple-words", "tiny", [f"projection.start={words}"])
    for method in ("souple-words", "souple-attention", "coop", "cocoop", "maple"):
        with pytest.raises(ConfigError, match=r"prompt.words: Input should be words, or prompt.initialise"):
            resolve(registry, method, "tiny", [f"prompt.words={words}"])
    assert resolve(registry, "souple-words", "tiny", ["projection.start=null"]).projection["start"] is None


def test_the_published_methods_are_the_papers(registry: Registry) -> None:
    souple, acl = resolve(registry, "souple", "published"), resolve(registry, "acl-ssl", "published")
    assert souple.prompt["pairing"] == "own"
    assert souple.prompt["context_tokens"] == 4
    assert souple.decoder["trained"] is True
    assert (souple.training.learning_rate, souple.training.weight_decay) == (1e-3, 1e-5)
    assert (souple.training.batch_size, souple.training.epochs, souple.training.steps) == (16, 20, None)
    assert acl.prompt["words"] == "a photo of"
    assert acl.decoder["trained"] is False
    assert acl.losses["feature-contrastive"]["compare_with"] == "image"
    assert (acl.training.learning_rate, acl.training.weight_decay) == (1e-4, 1e-4)
    assert (acl.training.schedule, acl.training.warmup_steps, acl.training.clip_norm) == ("constant", 0, 0)
    contrasted, in_a_step = acl.training.batch_size, acl.training.batch_size * acl.training.accumulate
    assert (contrasted, in_a_step, acl.training.epochs) == (8, 16, 20)  # two GPUs with 8 clips each
    assert resolve(registry, "souple-cross", "published").prompt["pairing"] == "cross"


class TestOverrides:
    def test_an_option_of_a_part(self, registry: Registry) -> None:
        method_config = resolve(registry, "souple", "tiny", ["prompt.context_tokens=8"])
        assert method_config.prompt["context_tokens"] == 8

    def test_an_option_of_a_loss(self, registry: Registry) -> None:
        method_config = resolve(registry, "souple", "tiny", ["losses.area.target=0.25"])
        assert method_config.losses["area"] == {"weight": 1.0, "target": 0.25, "negative_target": 0.0}

    def test_null_removes_a_loss(self, registry: Registry) -> None:
        method_config = resolve(registry, "souple", "tiny", ["losses.area=null"])
        assert set(method_config.losses) == {"image-contrastive", "feature-contrastive"}

    def test_later_ones_win(self, registry: Registry) -> None:
        method_config = resolve(registry, "souple", "tiny", ["masker.bias=1", "masker.bias=2"])
        assert method_config.masker["bias"] == 2

    @pytest.mark.parametrize("order", [1, -1])
    def test_another_part_drops_the_old_ones_own_options(self, registry: Registry, order: int) -> None:
        overrides = ["prompt.name=coop", "prompt.context_tokens=6"][::order]
        prompt = resolve(registry, "souple-cross", "tiny", overrides).prompt
        assert prompt["name"] == "coop"
        assert prompt["context_tokens"] == 6
        assert "reduction" not in prompt

    def test_another_part_keeps_what_all_of_its_kind_have(self, registry: Registry) -> None:
        overrides = ["prompt.learning_rate_scale=0.5", "prompt.audio_token=first", "prompt.name=coop"]
        prompt = resolve(registry, "souple-cross", "tiny", overrides).prompt
        assert (prompt["pairing"], prompt["audio_token"], prompt["learning_rate_scale"]) == (
            "cross",
            "first",
            0.5,
        )

    def test_numbers_may_be_written_as_everybody_does(self, registry: Registry) -> None:
        assert (
            resolve(registry, "souple", "tiny", ["training.learning_rate=1e-3"]).training.learning_rate
            == 1e-3
        )

    @pytest.mark.parametrize("order", [1, -1])
    def test_one_inside_of_another_is_refused(self, registry: Registry, order: int) -> None:
        overrides = ["training.steps.x=1", "training.steps=5"][::order]
        with pytest.raises(
            ConfigError, match=r"training.steps.x lies inside of training.steps, .*leave one out"
        ):
            resolve(registry, "souple", "tiny", overrides)


class TestEncoderSet:
    """What changes with an encoder set, for every method."""

    TINY = {"backbone": {"name": "tiny-clip"}, "audio_encoder": {"name": "tiny-ear"}}  # noqa: RUF012

    @pytest.fixture
    def quick(self, register: Any) -> Registry:
        changes = {"training": {"steps": 7}, "losses": {"area": {"target": 0.1}}}
        return register("encoder_sets", "quick", self.TINY | changes)

    @pytest.mark.parametrize("method", ["souple", "souple-cross", "acl-ssl", "coop", "cocoop", "maple"])
    def test_of_miniatures_shortens_training(self, registry: Registry, method: str) -> None:
        mini, published = resolve(registry, method, "mini"), resolve(registry, method, "published")
        training = (mini.training.learning_rate, mini.training.steps, mini.training.crop)
        assert training == (5e-4, 400, 1.0)
        assert mini.losses["area"] == {"weight": 1, "target": 0.15, "negative_target": 0.1}
        assert {table["temperature"] for term, table in mini.losses.items() if term != "area"} == {0.2}
        rate = 1e-4 if method == "acl-ssl" else 1e-3
        training = (published.training.learning_rate, published.training.steps, published.training.crop)
        assert training == (rate, None, 1.1)
        assert published.losses["area"] == {"weight": 1, "target": 0.4, "negative_target": 0}
        assert {table["temperature"] for term, table in published.losses.items() if term != "area"} == {0.07}
        assert resolve(registry, method, "tiny").training == published.training

    def test_wins_over_the_method_and_leaves_the_rest(self, quick: Registry, write: Any) -> None:
        file = write(training={"steps": 9, "batch_size": 4})
        training = resolve(quick, file, "quick").training
        assert (training.steps, training.batch_size) == (7, 4)
        assert resolve(quick, file, "tiny").training.steps == 9

    def test_gives_way_to_what_the_method_says_with_it(self, quick: Registry, write: Any) -> None:
        own = {"training": {"steps": 5}, "losses": {"area": {"target": 0.3}}}
        method_config = resolve(quick, write(**{"with": {"quick": own}}), "quick")
        assert (method_config.training.steps, method_config.losses["area"]["target"]) == (5, 0.3)

    def test_gives_way_to_the_user(self, quick: Registry) -> None:
        overrides = ["training.steps=2", "losses.area.target=0.2"]
        method_config = resolve(quick, "souple", "quick", overrides)
        assert (method_config.training.steps, method_config.losses["area"]["target"]) == (2, 0.2)

    def test_changes_only_losses_that_the_method_has(self, quick: Registry, write: Any) -> None:
        assert set(resolve(quick, "oracle", "quick").losses) == {"image-contrastive"}
        without = write(losses={"image-contrastive": {}})
        assert set(resolve(quick, without, "quick").losses) == {"image-contrastive"}
        removed = write(**{"with": {"quick": {"losses": {"area": None}}}})
        assert "area" not in resolve(quick, removed, "quick").losses
        added = write(losses={"image-contrastive": {}}, **{"with": {"quick": {"losses": {"area": {}}}}})
        assert resolve(quick, added, "quick").losses["area"]["target"] == 0.1

    def test_does_not_change_a_method_that_names_both_encoders(self, quick: Registry, write: Any) -> None:
        assert resolve(quick, write(training={"steps": 9}, **self.TINY), "quick").training.steps == 9
        one = {"backbone": self.TINY["backbone"]}
        assert resolve(quick, write(training={"steps": 9}, **one), "quick").training.steps == 7


class TestVariants:
    """What a file says `with` an encoder set."""

    def test_hold_for_that_set_only(self, registry: Registry, write: Any) -> None:
        file = write(**{"with": {"tiny": {"training": {"steps": 7}, "losses": {"area": None}}}})
        tiny, published = resolve(registry, file, "tiny"), resolve(registry, file, "published")
        assert (tiny.training.steps, published.training.steps) == (7, None)
        assert ("area" in tiny.losses, "area" in published.losses) == (False, True)

    def test_give_way_to_the_user(self, registry: Registry, write: Any) -> None:
        file = write(**{"with": {"tiny": {"training": {"steps": 7}}}})
        assert resolve(registry, file, "tiny", ["training.steps=null"]).training.steps is None


WRONG = {
    "table": ("promt.words=x", r"The method 'souple' has no part 'promt'. Did you mean 'prompt'\?"),
    "option": (
        "prompt.context_token=8",
        r"prompt has no option 'context_token'. Did you mean 'context_tokens'",
    ),
    "loss option": ("losses.area.tagret=1", r"losses.area has no option 'tagret'. Did you mean 'target'"),
    "training option": ("training.step=1", r"'souple' has no option 'training.step'. Did you mean 'steps'"),
    "masker option": ("masker.bais=1", r"masker has no option 'bais'. Did you mean 'bias'"),
    "part": ("prompt.name=meta-net", r"There is no prompt generator 'meta-net'. Did you mean 'metanet'"),
    "loss": ("losses.aera.weight=1", r"There is no loss 'aera'. Did you mean 'area'"),
    "value": ("prompt.context_tokens=0", r"prompt.context_tokens: .*greater than or equal to 1.*got 0"),
    "type": ("prompt.context_tokens=many", r"prompt.context_tokens: .*integer.*got 'many'"),
    "choice": (
        "prompt.audio_token=middle",
        r"prompt.audio_token: Input should be 'last', 'first' or 'all', .*got 'middle'",
    ),
    "training value": ("training.batch_size=1", r"training.batch_size: .*equal to 2.*got 1"),
    "boolean for a number": (
        "prompt.context_tokens=true",
        r"prompt.context_tokens: .*a valid integer .got True",
    ),
    "text for a number": (
        "losses.area.weight='5'",
        r"losses.area.weight: Input should be a valid number .got '5'",
    ),
    "number for a boolean": ("training.flip=1", r"training.flip: Input should be true or false .got 1"),
    "boolean for steps": (
        "training.steps=true",
        r"training.steps: Input should be a valid integer .got True",
    ),
    "list for a number": (
        "training.steps=[1]",
        r"training.steps: Input should be a valid integer.*got \[1\]",
    ),
    "table for a number": ("training.steps.x=1", r"training.steps: Input should be a valid integer"),
    "part that is no name": ("prompt.name=5", r"prompt.name must be a name, not 5"),
    "loss that is no name": ("losses.area.part=[1]", r"losses.area.part .*must be a name, not \[1\]"),
    "sum for a term": ("losses.total.part=area", r"A loss in the .* is called 'total'.*the sum of all"),
    "part that is no table": ("losses.area=5", r"losses.area .*must be a table of options, not 5"),
}


@pytest.mark.parametrize(("override", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_named_with_the_nearest(registry: Registry, override: str, message: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        resolve(registry, "souple", "tiny", [override])


@pytest.mark.parametrize(
    "tables",
    [
        {"losses": None},
        {"losses": ["area"]},
        {"losses": {"area": 5}},
        {"training": "fast"},
        {"training": None},
        {"prompt": 3},
        {"prompt": ["metanet"]},
        {"with": {"tiny": {"training": "fast"}}},
    ],
    ids=str,
)
def test_a_file_in_which_no_table_stands_for_a_table(registry: Registry, write: Any, tables: Any) -> None:
    (place,) = tables["with"]["tiny"] if "with" in tables else tables
    with pytest.raises(ConfigError, match=rf"{place}.* must be a table of options, not "):
        resolve(registry, write(**tables), "tiny")


def test_every_wrong_option_is_named(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"(?s)'wordz'.*'reductoin'"):
        resolve(registry, "souple", "tiny", ["prompt.wordz=x", "prompt.reductoin=2"])


def test_a_file_must_name_every_part(registry: Registry, write: Any) -> None:
    with pytest.raises(ConfigError, match=r"names no audio projection: projection.name is missing"):
        resolve(registry, write(projection={}), "tiny")


def test_a_file_must_say_its_losses(registry: Registry, tmp_path: Path) -> None:
    tables = yaml.safe_load(method_text(registry, "souple"))
    del tables["losses"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(tables))
    for encoders in ("tiny", "mini"):
        with pytest.raises(ConfigError, match=r"says nothing of its losses: the table 'losses' is missing"):
            resolve(registry, str(tmp_path / "mine.yaml"), encoders)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(tables | {"losses": {}}))
    assert resolve(registry, str(tmp_path / "mine.yaml"), "mini").losses == {}


def test_a_part_whose_module_is_broken(install_plugin: Any, write: Any) -> None:
    install_plugin(
        "their_module",
        "from avprompt.plugin import hookimpl\n"
        "@hookimpl\n"
        "def register_prompts(register): register('haiku', 'their_missing_module:Haiku')\n",
    )
    registry = load_plugins().registry
    with pytest.raises(
        PluginError, match=r"The prompt generator 'haiku' of plugin 'their-dist:theirs' cannot"
    ):
        resolve(registry, write(prompt={"name": "haiku"}), "tiny")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["coop", "words", "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "x"]) | st.integers(), inner)
    ),
    max_leaves=4,
)
PATHS = st.sampled_from(
    [
        ("prompt",), ("prompt", "name"), ("prompt", "context_tokens"), ("losses",), ("losses", "area"),
        ("losses", "area", "weight"), ("losses", "area", "part"), ("masker",), ("training",),
        ("training", "steps"), ("with",),
        ("with", "tiny"), ("with", "tiny", "prompt"), ("backbone",), ("base",), ("name",),
        ("summary",), ("no",), (3,),
    ]
)  # fmt: skip


@given(path=PATHS, value=VALUES)
@example(path=("with",), value=5)
@example(path=("with", "tiny"), value=[1])
@settings(max_examples=150)
def test_whatever_a_file_says_is_a_method_or_a_clear_error(
    loaded: Loaded, tmp_path: Path, path: tuple[Any, ...], value: Any
) -> None:
    tables = yaml.safe_load(method_text(loaded.registry, "souple"))
    table = tables
    for key in path[:-1]:
        table = table.setdefault(key, {})
    table[path[-1]] = value
    file = tmp_path / "any.yaml"
    file.write_text(yaml.safe_dump(tables))
    with suppress(AvpromptError):
        assert isinstance(resolve(loaded.registry, str(file), "tiny"), MethodConfig)
