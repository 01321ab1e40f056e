"""The trained method that an encoder set brings."""

from __future__ import annotations

import pytest

from avprompt.errors import ConfigError
from avprompt.registry import Registry
from avprompt.runs.demo import Demo
from avprompt.weights.files import locate

ENCODERS = "backbone: {name: tiny-clip}\naudio_encoder: {name: tiny-audio}\n"
DEMO = (
    "demo: {method: souple, checkpoint: demo.safetensors, seconds: 2.0, note: knows little, advice: Train.}"
)


def registry_of(**sets: str) -> Registry:
    registry = Registry()
    for name, text in sets.items():
        registry.add("encoder_sets", name, text, "theirs")
    return registry


def test_it_is_that_of_the_first_set_that_has_one() -> None:
    demo = Demo.registered(registry_of(a=ENCODERS, c=ENCODERS + DEMO, b=ENCODERS + DEMO))
    assert (demo.encoders, demo.method, demo.seconds, demo.threshold) == ("b", "souple", 2.0, 0.5)


def test_without_one_a_method_must_be_named() -> None:
    with pytest.raises(ConfigError, match="Name a method or a run with --method"):
        Demo.registered(registry_of(a=ENCODERS))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seconds: 2.0", "seconds: long"), "encoder set 'a', table demo.seconds: Input should be a "),
        (("note", "notes"), "encoder set 'a', table demo has no option 'notes'. Did you mean 'note'?"),
    ],
)
def test_a_wrong_table_is_told(change: tuple[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as told:
        Demo.registered(registry_of(a=ENCODERS + DEMO.replace(*change)))
    assert message in str(told.value)


def test_ours_has_its_checkpoint_in_the_package(registry: Registry) -> None:
    demo = Demo.registered(registry)
    assert locate(demo.checkpoint).is_file()
    assert "published weights" in demo.advice
