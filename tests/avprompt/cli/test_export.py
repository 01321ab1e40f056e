"""`avprompt export`, and runs on the hub under `hf:user/name`: a stand-in of the hub on this very machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import avprompt
from avprompt.errors import ConfigError, WeightsError
from avprompt.weights.hub_run import fetch_run
from standin_hub import TOKEN, StandInHub, hub_here
from tinyworld.runs import TINY, numbers, results

NAME = "somebody/heard"


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """The stand-in in the place of the hub, and one who has logged in."""
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.delenv("AVPROMPT_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with hub_here() as hub:
        template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
        for module in ("constants", "file_download"):
            monkeypatch.setattr(
                f"huggingface_hub.{module}.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False
            )
        monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", hub.address, raising=False)
        yield hub


@pytest.fixture
def pushed(cli: Any, run: Path, hub: StandInHub) -> StandInHub:
    """The hub with a run of SouPLe on it."""
    address = cli("export", run, "--push", NAME, "--license", "apache-2.0").stdout.strip()
    assert address == f"{hub.address}/{NAME}"
    return hub


class TestFolder:
    @pytest.fixture
    def folder(self, cli: Any, run: Path, here: Path) -> Path:
        assert cli("export", run, "--output", "out").stdout == "out\n"
        return here / "out"

    def test_is_a_run_directory_with_the_same_numbers(self, cli: Any, folder: Path, run: Path) -> None:
        assert results(folder) == results(run)
        cli("evaluate", folder, "--output", "a")
        cli("evaluate", run, "--output", "b")
        assert numbers(Path("a")) == numbers(Path("b"))

    def test_has_a_card_with_scores_protocols_and_floors(self, folder: Path, run: Path) -> None:
        _, head, text = (folder / "README.md").read_text().split("---\n", 2)
        metadata = yaml.safe_load(head)
        assert metadata["library_name"] == "avprompt"
        (of_split,) = metadata["model-index"][0]["results"]
        assert of_split["dataset"]["split"] == "test"
        score = results(run)["scores"]["test"]["val-threshold"]["cIoU"]
        assert {"type": "cIoU", "value": score, "name": "cIoU, percent, val-threshold"} in of_split["metrics"]
        assert f"| val-threshold | {score:.2f} |" in text
        assert "| floor: random-object | 50.00 |" in text
        assert "6 of 6 samples" in text
        assert "![" in text
        assert (folder / "gallery.png").is_file()
        assert "No licence is stated" in text

    def test_names_no_place_of_this_machine(self, cli: Any, run: Path, here: Path) -> None:
        config = yaml.safe_load((run / "config.yaml").read_text())
        config["run"]["data_root"] = "/home/somebody/vggss"
        config["run"]["training"]["train_list"] = "/home/somebody/lists/train.txt"
        (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        cli("export", run, "--output", "out")
        exported = yaml.safe_load((here / "out/config.yaml").read_text())
        assert exported["run"]["data_root"] is None
        assert exported["run"]["training"]["train_list"] == "train.txt"
        assert "somebody" not in (here / "out/README.md").read_text()

    def test_is_written_over_without_what_is_not_ours(self, cli: Any, folder: Path, run: Path) -> None:
        (folder / "LICENSE").write_text("theirs")
        (run / "gallery.png").unlink()
        cli("export", run, "--output", folder)
        assert (folder / "LICENSE").read_text() == "theirs"
        assert not (folder / "gallery.png").exists()
        assert "![" not in (folder / "README.md").read_text()


class TestHub:
    def test_run_is_read_back(self, cli: Any, pushed: StandInHub, run: Path, clip: tuple[Path, Path]) -> None:
        assert {*pushed.repositories[NAME]} == {
            "README.md",
            *(
                "config.yaml",
                "checkpoint.safetensors",
                "results.json",
                "samples.csv",
                "train.jsonl",
                "gallery.png",
            ),
        }
        image, audio = clip
        own, theirs = (avprompt.load(target).localize(image, audio) for target in (run, f"hf:{NAME}"))
        np.testing.assert_array_equal(own.heatmap, theirs.heatmap)
        cli("evaluate", f"hf:{NAME}", "--output", "a")
        cli("evaluate", run, "--output", "b")
        assert numbers(Path("a")) == numbers(Path("b"))
        assert b"license: apache-2.0" in pushed.repositories[NAME]["README.md"]
        assert f'avprompt.load("hf:{NAME}")'.encode() in pushed.repositories[NAME]["README.md"]

    def test_is_asked_for_what_is_there_now(self, pushed: StandInHub, hub: StandInHub) -> None:
        first = fetch_run(f"hf:{NAME}")
        card = pushed.repositories[NAME]["results.json"]
        pushed.repositories[NAME]["results.json"] = card + b"\n"
        second = fetch_run(f"hf:{NAME}")
        assert first != second
        assert (first / "results.json").read_bytes() + b"\n" == (second / "results.json").read_bytes()
        assert fetch_run(f"hf:{NAME}@{hub.commit(NAME)}") == second

    def test_fetches_nothing_but_a_run(self, pushed: StandInHub) -> None:
        pushed.repositories[NAME]["setup.py"] = b"raise SystemExit"
        folder = fetch_run(f"hf:{NAME}")
        assert not (folder / "setup.py").exists()
        assert not (folder / "README.md").exists()

    def test_without_a_network_what_was_fetched_is_used_with_a_warning(
        self, pushed: StandInHub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = fetch_run(f"hf:{NAME}")
        monkeypatch.setenv("AVPROMPT_OFFLINE", "1")
        with pytest.warns(UserWarning, match="offline mode is on .* is used, which was fetched before"):
            assert fetch_run(f"hf:{NAME}") == folder
        monkeypatch.delenv("AVPROMPT_OFFLINE")
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", "http://127.0.0.1:9", raising=False)
        with pytest.warns(UserWarning, match="the hub cannot be reached .* was fetched before"):
            assert fetch_run(f"hf:{NAME}") == folder
        with pytest.raises(WeightsError, match=r"'hf:other/run' cannot be used: it is not here, and the hub"):
            fetch_run("hf:other/run")


class TestRefuses:
    def test_a_repository_that_is_not_there(self, fails: Any) -> None:
        message = fails("evaluate", "hf:nobody/nothing")
        assert message.startswith(
            "The run 'hf:nobody/nothing' cannot be used: the hub has no such repository"
        )
        assert "`hf auth login`" in message

    def test_a_revision_that_is_not_there(self, pushed: StandInHub) -> None:
        with pytest.raises(WeightsError, match="the hub has no such revision 'gone'"):
            fetch_run(f"hf:{NAME}@gone")

    def test_a_repository_of_something_else(self, fails: Any, hub: StandInHub) -> None:
        hub.repositories["other/model"] = {"config.json": b"{}"}
        assert "no config.yaml in it, so it is no run of avprompt" in fails("evaluate", "hf:other/model")

    def test_a_damaged_checkpoint(self, fails: Any, pushed: StandInHub) -> None:
        content = bytearray(pushed.repositories[NAME]["checkpoint.safetensors"])
        content[-1] ^= 1
        pushed.repositories[NAME]["checkpoint.safetensors"] = bytes(content)
        assert "is not the checkpoint that the run wrote" in fails("evaluate", f"hf:{NAME}")

    def test_a_damaged_config(self, fails: Any, pushed: StandInHub) -> None:
        pushed.repositories[NAME]["config.yaml"] = b"name: ["
        assert "is damaged, or of another version" in fails("evaluate", f"hf:{NAME}")

    def test_a_name_without_its_owner(self) -> None:
        with pytest.raises(ConfigError, match="write hf:user/name"):
            fetch_run("hf:model")

    def test_a_push_of_one_who_has_not_logged_in(
        self, fails: Any, run: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_wrong")
        message = fails("export", run, "--push", NAME)
        assert message.startswith(f"'{NAME}' cannot be pushed: ")
        assert "`hf auth login`" in message

    def test_an_export_that_goes_nowhere(self, fails: Any, run: Path) -> None:
        assert fails("export", run) == (
            "Say where the export goes: --output DIR (output= in Python), or --push user/name."
        )

    def test_a_folder_of_somebody(self, fails: Any, run: Path, here: Path) -> None:
        (here / "theirs").mkdir()
        (here / "theirs/notes.txt").write_text("theirs")
        assert "'theirs' holds 'notes.txt', but no export" in fails("export", run, "--output", "theirs")

    def test_a_run_without_its_checkpoint(self, fails: Any, run: Path) -> None:
        (run / "checkpoint.safetensors").unlink()
        assert "its checkpoint.safetensors is gone" in fails("export", run, "--output", "out")


PLUGIN = """
from pathlib import Path
from avprompt.plugin import hookimpl
Path("it-ran").touch()

@hookimpl
def register_methods(register):
    register("mine", "{name: mine, base: souple}")
"""


def test_code_of_a_run_runs_only_with_trust(cli: Any, fails: Any, here: Path, hub: StandInHub) -> None:
    (here / "mine.py").write_text(PLUGIN)
    cli("run", "mine", "--plugin", "mine.py", *TINY, "--output", "own")
    cli("export", "own", "--push", NAME)
    assert "plugins/mine/mine.py" in hub.repositories[NAME]
    assert b"--trust" in hub.repositories[NAME]["README.md"]
    for path in (here / "mine.py", here / "it-ran"):
        path.unlink()
    shutil.rmtree(here / "own")
    message = fails("evaluate", f"hf:{NAME}")
    assert "names plugin files, whose code would run: 'mine.py'. Add --trust" in message
    assert not (here / "it-ran").exists()
    with pytest.warns(UserWarning, match="'mine.py' is gone: the copy in .* is used"):
        cli("evaluate", f"hf:{NAME}", "--trust", "--output", "a")
    assert (here / "it-ran").exists()
