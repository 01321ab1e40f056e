"""Every registered part keeps the promises of its interface, as `avprompt plugins check` checks them."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.plugin.discovery import load_plugins
from avprompt.registry import KINDS, Entry, Registry
from avprompt.testing.registered import CHECKS, CannotCheckError, check_registered

TESTED_ELSEWHERE = ("backbones", "audio_encoders", "datasets")
"""Kinds some of whose parts need weights or a folder; these have tests of their own."""
ENTRIES = [entry for entry in load_plugins().registry.entries() if entry.kind not in TESTED_ELSEWHERE]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}/{entry.name}")
def test_it_keeps_its_promises(registry: Registry, entry: Entry) -> None:
    check_registered(registry, entry.kind, entry.name)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("backbones", "mini-clip"),
        ("backbones", "tiny-clip"),
        ("audio_encoders", "tiny-ear"),
        ("datasets", "toy"),
    ],
)
def test_what_needs_no_files_is_checked_too(registry: Registry, kind: str, name: str) -> None:
    check_registered(registry, kind, name)


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("datasets", "vggss", "It needs its folder. Call check_benchmark in a test of yours"),
        (
            "audio_encoders",
            "beats",
            "Its weights are not read, and a check downloads none. There is no BEATs",
        ),
    ],
)
def test_what_needs_files_says_so(
    registry: Registry, kind: str, name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path))
    with pytest.raises(CannotCheckError, match=reason):
        check_registered(registry, kind, name)


def test_every_kind_has_a_check() -> None:
    assert [*CHECKS] == [*KINDS]
