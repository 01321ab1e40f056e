from __future__ import annotations

import pytest

from avprompt.errors import suggest


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
