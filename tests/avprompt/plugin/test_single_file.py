"""Plugins that are one Python file: what they register beside their own code, and what of them is kept."""

from __future__ import annotations

import os
import py_compile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avprompt.config.method_config import resolve
from avprompt.errors import ConfigError, PluginError
from avprompt.plugin.discovery import Loaded, load_plugins
from avprompt.plugin.single_file import SingleFile

METHOD = "name: mine\nbase: souple\nprompt: {context_tokens: 2}\n"
SET = "backbone: {name: tiny-clip}\naudio_encoder: {name: tiny-ear}\ntraining: {steps: 7}\n"

Load = Callable[..., Loaded]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a plugin file that registers something, with other files beside it, and load it."""

    def load(registration: str, hook: str = "register_methods", **files: str | bytes) -> Loaded:
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_yaml", ".yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (tmp_path / "mine.py").write_text(
            "from pathlib import Path\nfrom avprompt.plugin import hookimpl\n\n"
            f"@hookimpl\ndef {hook}(register):\n    register('mine', {registration})\n"
        )
        return load_plugins((str(tmp_path / "mine.py"),))

    return load


@pytest.mark.parametrize(
    "registration",
    [
        repr(METHOD),
        "'mine.yaml'",
        "Path('mine.yaml')",
        "Path(__file__).parent / 'mine.yaml'",
        "Path(__file__).resolve().with_name('mine.yaml')",
    ],
)
def test_a_method_is_text_or_a_path_beside_the_file(
    load: Load, monkeypatch: pytest.MonkeyPatch, registration: str
) -> None:
    registry = load(registration, mine_yaml=METHOD).registry
    monkeypatch.chdir("/")  # where the command is given does not matter
    assert resolve(registry, "mine", "tiny").prompt["context_tokens"] == 2


def test_a_place_in_a_package_stays_one(load: Load) -> None:
    registry = load("'tinyworld:oracle.yaml'").registry
    assert registry.load("methods", "mine").startswith("name: oracle")


def test_a_method_may_be_the_base_of_another(load: Load, tmp_path: Path) -> None:
    registry = load("'mine.yaml'", mine_yaml=METHOD).registry
    (tmp_path / "own.yaml").write_text("name: own\nbase: mine\nmasker: {bias: 3}\n")
    own = resolve(registry, str(tmp_path / "own.yaml"), "tiny")
    assert (own.prompt["context_tokens"], own.masker["bias"]) == (2, 3)


@pytest.mark.parametrize("registration", [repr(SET), "'mine.yaml'"])
def test_an_encoder_set(load: Load, registration: str) -> None:
    registry = load(registration, "register_encoder_sets", mine_yaml=SET).registry
    assert resolve(registry, "souple", "mine").training.steps == 7


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "no file": ("'gone.yaml'", {}, r"'mine' from 'gone.yaml', and there is no file '/.*/gone.yaml'"),
    "a folder": ("'a.yaml'", {"a_yaml__b": ""}, r"from 'a.yaml', and there is no file"),
    "elsewhere": ("Path('../other.yaml')", {}, r"'../other.yaml', which lies elsewhere. Put .* 'mine.py'"),
    "far away": ("Path('/etc/other.yaml')", {}, r"from '/etc/other.yaml', which lies elsewhere"),
    "no text": ("'mine.yaml'", {"mine_yaml": b"\xff\xfe"}, r"'mine.yaml', which is not text in UTF-8"),
    "neither": ("'mine'", {}, r"'mine' of plugin 'mine.py' is 'mine', but must be YAML text"),
}  # fmt: skip


@pytest.mark.parametrize(("registration", "files", "reason"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_told(
    load: Load, registration: str, files: dict[str, Any], reason: str
) -> None:
    with pytest.raises(PluginError, match=rf"^The plugin file '.*mine.py' cannot be used: .*{reason}"):
        load(registration, **files)


@pytest.mark.parametrize("text", ["name: [\n", "- mine\n- souple\n", "just words"])
def test_yaml_that_is_none_is_told_when_it_is_used(load: Load, text: str) -> None:
    registry = load(repr(text)).registry
    with pytest.raises(
        ConfigError, match=r"^The method 'mine' (is not valid YAML|must be tables of options)"
    ):
        resolve(registry, "mine", "tiny")


def test_a_method_has_one_name(load: Load) -> None:
    registry = load(repr("name: other\nbase: souple\n")).registry
    message = r"The method 'mine' is called 'other' in its YAML. Its plugin must give both the same name"
    with pytest.raises(ConfigError, match=message):
        resolve(registry, "mine", "tiny")


def test_all_that_was_read_is_kept(load: Load, tmp_path: Path) -> None:
    loaded = load("'sets/mine.yaml'", sets__mine_yaml=METHOD, unused_yaml="")
    source = (tmp_path / "mine.py").read_bytes()
    assert loaded.files() == {"mine/mine.py": source, "mine/sets/mine.yaml": METHOD.encode()}
    assert load_plugins().files() == {}


COUNTING = "import os\nos.environ['RUNS'] = os.environ.get('RUNS', '') + '{mark}'\n"


class TestItsCode:
    @pytest.fixture
    def write(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[str]]:
        monkeypatch.setenv("RUNS", "")
        hook = "from avprompt.plugin import hookimpl\n@hookimpl\ndef register_losses(register): pass\n"

        def write(mark: str) -> tuple[str]:
            (tmp_path / "counting.py").write_text(COUNTING.format(mark=mark) + hook)
            return (str(tmp_path / "counting.py"),)

        return write

    def test_runs_once_in_a_process(self, write: Callable[[str], tuple[str]]) -> None:
        for _ in range(3):
            load_plugins(write("a"))
        assert os.environ["RUNS"] == "a"

    def test_runs_again_when_it_has_changed(self, write: Callable[[str], tuple[str]]) -> None:
        for mark in "abb":
            load_plugins(write(mark))
        assert os.environ["RUNS"] == "ab"

    def test_is_what_was_read_not_what_python_has_kept(
        self, write: Callable[[str], tuple[str]], tmp_path: Path
    ) -> None:
        (file,) = write("a")
        py_compile.compile(file, doraise=True)
        then = Path(file).stat()
        write("b")
        os.utime(file, (then.st_atime, then.st_mtime))  # as large and as old as what was compiled
        load_plugins((file,))
        assert os.environ["RUNS"] == "b"
        assert "'b'" in load_plugins((file,)).files()["counting/counting.py"].decode()


FORWARD = """
from __future__ import annotations
from avprompt.plugin import Options, hookimpl

class Outer(Options):
    inner: Inner = None

class Inner(Options):
    depth: int = {depth}

@hookimpl
def register_losses(register):
    register("{name}", Outer)
"""


def test_files_of_nearly_the_same_name_keep_their_own_types(tmp_path: Path) -> None:
    """Options may name a class that comes later in their file: in theirs, not in one called alike."""
    files = [tmp_path / "a-b.py", tmp_path / "a_b.py", tmp_path / "other" / "a_b.py"]
    modules = []
    for depth, file in enumerate(files):
        file.parent.mkdir(exist_ok=True)
        file.write_text(FORWARD.format(depth=depth, name=file.stem))
        modules.append(SingleFile(file).module())
    assert [module.Outer(inner={}).inner.depth for module in modules] == [0, 1, 2]


def test_the_name_of_its_module_does_not_depend_on_its_folder(tmp_path: Path) -> None:
    """Features are stored by it, and a run keeps a copy of the file."""
    names = set()
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text("VERSION = 1\n")
        names.add(SingleFile(tmp_path / folder / "mine.py").module().__name__)
    assert len(names) == 1
