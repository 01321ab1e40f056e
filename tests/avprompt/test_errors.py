from __future__ import annotations

import pytest

from avprompt.errors import listed, suggest


@pytest.mark.parametrize(
    ("wrong", "known", "sentence"),
    [
        ("soupel", ["acl-ssl", "souple"], "Did you mean 'souple'?"),
        ("xyz", ["b", "a"], "Known: a, b."),
        ("anything", [], "None is registered."),
    ],
)
def test_suggest(wrong: str, known: list[str], sentence: str) -> None:
    assert suggest(wrong, known) == sentence


def test_long_lists_are_cut_short() -> None:
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed(["a"] * 1203) == "a, a, a and 1,200 more"
