"""Run directories: whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.errors import ConfigError, DataError
from avprompt.runs.directory import RunDirectory, unused

CONFIG = """
name: x
backbone: {name: a}
audio_encoder: {name: b}
projection: {name: c}
prompt: {name: d}
decoder: {name: e}
masker: {name: f}
training: {steps: 3, workers: 2}
run: {dataset: tiny, seed: 1, compute: {device: cpu, cache: null}}
"""


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


def test_a_folder_that_is_no_run(directory: RunDirectory) -> None:
    with pytest.raises(DataError, match=r"is not a run: there is no config.yaml in it"):
        directory.recorded()


def test_is_claimed_once(directory: RunDirectory) -> None:
    with pytest.raises(ConfigError, match="there is no run in"):
        directory.claim(resume=True)
    directory.claim(resume=False)
    directory.write_config(CONFIG)
    directory.log.write_text('{"step": 0}\n')
    directory.claim(resume=True)
    with pytest.raises(ConfigError, match="already holds a run"):
        directory.claim(resume=False)
    assert directory.recorded().seed == 1


def test_a_run_that_took_no_step_does_not_block_its_folder(directory: RunDirectory) -> None:
    directory.write_config(CONFIG)
    directory.log.touch()
    directory.claim(resume=False)


@pytest.mark.parametrize("name", ["train.jsonl", "resume.pt", "results.json"])
def test_whatever_took_work_keeps_its_folder(directory: RunDirectory, name: str) -> None:
    directory.write_config(CONFIG)
    (directory.path / name).write_text("work")
    with pytest.raises(ConfigError, match="already holds a run: add --resume"):
        directory.claim(resume=False)


@pytest.mark.parametrize("name", ["results.json", "checkpoint.safetensors", "samples.csv", "notes.txt"])
def test_somebodys_files_are_not_written_over(directory: RunDirectory, name: str) -> None:
    (directory.path / ".hidden").touch()
    directory.claim(resume=False)
    (directory.path / name).write_text("theirs")
    with pytest.raises(ConfigError, match=f"holds '{name}', but no run: choose another --output"):
        directory.claim(resume=False)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file' is a file: --output takes a folder"):
        RunDirectory(tmp_path / "file").claim(resume=False)


def test_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    with directory.held(resume=False):
        for resume in (False, True):
            with pytest.raises(ConfigError, match="Another process writes to"):
                directory.claim(resume=resume)
        directory.write_config(CONFIG)
        directory.log.write_text('{"step": 0}')
    with pytest.raises(ConfigError, match="already holds a run"), directory.held(resume=False):
        pass
    with directory.held(resume=True):
        pass
    assert not list(directory.path.glob(".*"))


def test_what_changes_no_number_may_differ(directory: RunDirectory) -> None:
    directory.write_config(CONFIG)
    directory.check_same(CONFIG.replace("workers: 2", "workers: 0").replace("device: cpu", "device: auto"))
    for other in (CONFIG.replace("seed: 1", "seed: 2"), CONFIG.replace("cache: null", "cache: audio")):
        with pytest.raises(ConfigError, match="holds a run with other options"):
            directory.check_same(other)


def test_plugin_files_may_lie_elsewhere_under_their_names(directory: RunDirectory) -> None:
    config = CONFIG.replace("seed: 1", "seed: 1, plugins: [/a/mine.py]")
    directory.write_config(config)
    directory.check_same(config.replace("/a/mine.py", "/b/mine.py"))
    for other in ("[/a/other.py]", "[]", "5"):
        with pytest.raises(ConfigError, match="holds a run with other options"):
            directory.check_same(config.replace("[/a/mine.py]", other))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "must be tables of options"),
        (b"\x00\xff\xfe", "is not text in UTF-8"),
        (b"\x00", "is not valid YAML"),
        (b"run: [", "is not valid YAML"),
        (b"[" * 10_000, "is not valid YAML"),
        (b"- run", "must be tables of options"),
        (CONFIG.replace("masker: {name: f}", "masker: {}").encode(), "does not say masker.name"),
        (CONFIG.partition("run:")[0].encode(), "does not say run.dataset"),
        (CONFIG.replace("dataset: tiny", "dataset: null").encode(), "does not say run.dataset"),
        (CONFIG.replace("run: {", "run: 5 #").encode(), "does not say run.dataset"),
        (CONFIG.replace("seed: 1", "seed: x").encode(), "run.seed: Input should be a valid integer"),
        (CONFIG.replace("seed: 1", "sede: 1").encode(), "run has no option 'sede'. Did you mean 'seed'"),
    ],
)
def test_a_damaged_config_is_named(directory: RunDirectory, content: bytes, reason: str) -> None:
    directory.config.write_bytes(content)
    with pytest.raises(DataError, match=rf"config.yaml' is damaged, or of another version.*{reason}"):
        directory.recorded()
    if b"sede" not in content and b"seed: x" not in content:
        with pytest.raises(DataError, match="make the run again"):
            directory.check_same(CONFIG)


def test_unused_folders_are_numbered(tmp_path: Path) -> None:
    assert unused(tmp_path / "run") == tmp_path / "run"
    for name in ("run", "run-2"):
        (tmp_path / name).mkdir()
    assert unused(tmp_path / "run") == tmp_path / "run-3"


def test_no_two_files_share_a_name(directory: RunDirectory) -> None:
    names = [name for name, value in vars(RunDirectory).items() if isinstance(value, property)]
    paths = [getattr(directory, name) for name in names]
    assert len(set(paths)) == len(paths) == 14
