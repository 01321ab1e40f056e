"""The words of the miniature text tower."""

from __future__ import annotations

import pytest

from avprompt.errors import ConfigError
from avprompt_benchmarks.toy.classes import NAMES, SHAPES, TEXTURES
from avprompt_mini import vocabulary


def test_no_word_is_there_twice() -> None:
    assert len(set(vocabulary.WORDS)) == len(vocabulary.WORDS)


def test_every_class_of_the_toy_world_can_be_named() -> None:
    assert (vocabulary.SHAPES, vocabulary.TEXTURES) == (SHAPES, TEXTURES)
    assert all(len(vocabulary.encode(f"a photo of a {name}")) == 6 for name in NAMES)


def test_case_and_spaces_do_not_matter() -> None:
    assert vocabulary.encode(" A  Photo ") == vocabulary.encode("a photo")


def test_an_unknown_word_is_named_with_its_neighbour() -> None:
    with pytest.raises(ConfigError, match=r"'sqare'.*Did you mean 'square'"):
        vocabulary.encode("a sqare")
