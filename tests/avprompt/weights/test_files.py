from __future__ import annotations

import hashlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from avprompt.errors import WeightsError
from avprompt.weights import files

HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "model.pt").write_bytes(b"hello")
    return tmp_path / "model.pt"


def test_home_is_in_the_cache_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVPROMPT_HOME", raising=False)
    assert files.home() == Path.home() / ".cache" / "avprompt"
    monkeypatch.setenv("AVPROMPT_HOME", "~/elsewhere")
    assert files.home() == Path.home() / "elsewhere"


def test_a_reference_is_a_path_or_a_name_at_home(
    home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.locate("model.pt") == home / "model.pt"
    monkeypatch.chdir(file.parent)
    assert files.locate("model.pt").samefile(file)
    assert files.locate(str(file)) == file


def test_a_reference_into_a_package() -> None:
    assert files.locate("package:tinyworld/tiny.yaml").is_file()
    with pytest.raises(WeightsError, match="names the package 'no_such', which is not installed"):
        files.locate("package:no_such/model.pt")


def test_a_reference_runs_no_code_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's run may name any package, and one in the user's own folder is on the path."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "theirs" / "model.pt").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert files.locate("package:theirs/model.pt").is_file()
    with pytest.raises(WeightsError, match=r"names the package 'theirs\.inner', which is not installed"):
        files.locate("package:theirs.inner/model.pt")


def test_a_package_is_found_whatever_is_loaded_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    plugin_file = spec_from_file_location("theirs", tmp_path / "plugins" / "theirs.py")
    assert plugin_file is not None
    for loaded in (ModuleType("theirs"), module_from_spec(plugin_file)):
        monkeypatch.setitem(sys.modules, "theirs", loaded)
        assert files.locate("package:theirs/model.pt") == tmp_path / "theirs" / "model.pt"
    with pytest.raises(WeightsError, match="names the package '__main__', which is not installed"):
        files.locate("package:__main__/model.pt")


def test_a_checksum(file: Path) -> None:
    assert files.measured_sha256(file) == files.verified_sha256(file) == HELLO
    assert files.recorded_sha256(file) is None


def test_a_recorded_checksum_holds(file: Path) -> None:
    files.record_sha256(file, HELLO)
    assert file.with_name("model.pt.sha256").read_text() == f"{HELLO}  model.pt\n"
    assert files.verified_sha256(file) == files.recorded_sha256(file) == HELLO
    file.write_bytes(b"hallo")
    with pytest.raises(
        WeightsError, match=rf"not the file that was fetched.*{HELLO}.*delete model\.pt\.sha256"
    ):
        files.verified_sha256(file)


def test_the_hub_cache_names_its_files_by_their_checksum(file: Path, tmp_path: Path) -> None:
    blob = file.rename(tmp_path / HELLO)
    file.symlink_to(blob)
    assert files.recorded_sha256(file) == HELLO
    blob.write_bytes(b"hallo")
    with pytest.raises(WeightsError, match="not the file that was fetched"):
        files.verified_sha256(file)
