"""An edited encoder, or another version of what it runs on, has other features."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch

from avprompt.errors import PluginError
from avprompt.features.code import code_versions
from avprompt.features.keys import fingerprint
from avprompt.plugin.discovery import load_plugins
from tinyworld.encoders import EarOptions, TinyEar

ENCODER = """
from tinyworld.encoders import EarOptions, TinyEar
{imports}

class LoudEar(TinyEar):
    Config = EarOptions

    def forward(self, waveform):
        return super().forward(waveform) * 2
"""
HOOKS = """
from avprompt.plugin import hookimpl

@hookimpl
def register_audio_encoders(register):
    register("loud", LoudEar)
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class TestAPluginFile:
    def fingerprint(self, folder: Path, imports: str = "", **edit: str) -> str:
        text = ENCODER.format(imports=imports) + HOOKS
        for old, new in edit.items():
            text = text.replace(old, new)
        registry = load_plugins((str(write(folder / "loud.py", text)),)).registry
        return fingerprint(registry.load("audio_encoders", "loud")(EarOptions()), precision="no")

    def test_makes_other_features_after_an_edit(self, tmp_path: Path) -> None:
        before = self.fingerprint(tmp_path)
        assert self.fingerprint(tmp_path) == before
        assert self.fingerprint(tmp_path, **{"* 2": "* 3"}) != before

    def test_is_the_same_in_another_folder(self, tmp_path: Path) -> None:
        assert self.fingerprint(tmp_path / "a") == self.fingerprint(tmp_path / "b")

    @pytest.mark.parametrize("imports", ["import gain", "def late():\n    from gain import by"])
    def test_follows_the_helper_beside_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imports: str
    ) -> None:
        monkeypatch.syspath_prepend(tmp_path)
        for name in ("gain", "further"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        write(tmp_path / "gain.py", "import further\nby = 2\n")
        write(tmp_path / "further.py", "")
        before = self.fingerprint(tmp_path, imports)
        write(tmp_path / "unused.py", "")
        assert self.fingerprint(tmp_path, imports) == before
        write(tmp_path / "gain.py", "import further\nby = 3\n")
        edited = self.fingerprint(tmp_path, imports)
        write(tmp_path / "further.py", "edited = True\n")
        assert len({before, edited, self.fingerprint(tmp_path, imports)}) == 3


class TestAPackage:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        monkeypatch.syspath_prepend(tmp_path)
        write(tmp_path / "theirs" / "__init__.py", "")
        write(tmp_path / "theirs" / "inner" / "layers.py", "")
        write(tmp_path / "theirs" / "encoder.py", ENCODER.format(imports="from theirs.inner import layers"))
        yield tmp_path / "theirs"
        self.forget()

    def forget(self) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "theirs"]:
            del sys.modules[name]
        importlib.invalidate_caches()

    def versions(self) -> dict[str, str]:
        self.forget()
        encoder: Any = importlib.import_module("theirs.encoder")
        return code_versions(encoder.LoudEar(EarOptions()))

    @pytest.mark.parametrize("edited", ["__init__.py", "inner/layers.py", "new.py"])
    def test_counts_with_all_its_sources(self, folder: Path, edited: str) -> None:
        before = self.versions()
        write(folder / edited, "edited = True\n")
        after = self.versions()
        assert after["theirs"] != before["theirs"]
        assert {**after, "theirs": before["theirs"]} == before

    def test_counts_without_what_is_no_source(self, folder: Path) -> None:
        before = self.versions()
        write(folder / "notes.txt", "edited")
        write(folder / "__pycache__" / "encoder.cpython-399.pyc", "edited")
        assert self.versions() == before

    def test_may_hold_a_file_that_cannot_run(self, folder: Path) -> None:
        write(folder / "template.py", "print 'two'")
        assert "theirs" in self.versions()

    def test_stands_beside_the_sources_that_it_inherits_from(self, folder: Path) -> None:
        versions = self.versions()
        assert {len(versions[name]) for name in ("theirs", "tinyworld", "avprompt")} == {64}
        assert versions["torch"] == f"torch {metadata.version('torch')}"
        assert versions["soxr"] == f"soxr {metadata.version('soxr')}"


def test_another_version_of_a_library_makes_other_features(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(TinyEar(EarOptions()), precision="no")
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99" if name == "soxr" else version(name))
    assert fingerprint(TinyEar(EarOptions()), precision="no") != before


def test_a_class_that_lies_in_no_file_is_refused() -> None:
    typed = type("Typed", (TinyEar,), {"__module__": "typed_by_hand"})
    with pytest.raises(PluginError, match=r"encoder Typed was not read from a Python file.*no --cache"):
        code_versions(typed(EarOptions()))


def test_constants_that_are_not_saved_count() -> None:
    ears = [TinyEar(EarOptions()), TinyEar(EarOptions())]
    for gain, ear in enumerate(ears):
        ear.register_buffer("gain", torch.tensor(float(gain)), persistent=False)
    assert len({fingerprint(ear, precision="no") for ear in ears}) == 2
