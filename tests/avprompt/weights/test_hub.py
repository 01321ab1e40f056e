from __future__ import annotations

from pathlib import Path

import pytest

from avprompt.errors import WeightsError
from avprompt.weights.hub import HubModel


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AVPROMPT_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def model(reference: str) -> HubModel:
    return HubModel(reference, "test model", "part.checkpoint")


def test_a_folder_has_what_lies_in_it(home: Path) -> None:
    (home / "config.json").write_text('{"depth": 2}')
    here = model(str(home))
    assert here.find("config.json") == home / "config.json"
    assert here.find("model.safetensors", download=True) is None
    assert here.find_json("config.json") == {"depth": 2}
    assert here.find_json("other.json") is None


def test_a_hub_name_may_be_a_folder_at_home(home: Path) -> None:
    folder = home / "owner" / "name"
    assert model("owner/name").find("config.json") is None
    folder.mkdir(parents=True)
    (folder / "config.json").touch()
    assert model("owner/name").find("config.json") == folder / "config.json"


def test_the_first_of_several_files(home: Path) -> None:
    (home / "pytorch_model.bin").touch()
    assert model(str(home)).find_weights().name == "pytorch_model.bin"
    with pytest.raises(WeightsError, match=r"there is no a or b\.\nPut its files in .*part\.checkpoint="):
        model(str(home)).find_weights(("a", "b"))


def test_offline_the_error_says_where_to_get_it_and_where_to_put_it(home: Path) -> None:
    assert model("owner/name").find("config.json") is None
    with pytest.raises(WeightsError) as error:
        model("owner/name").find("config.json", download=True)
    fetch = "`avprompt weights fetch owner/name`"
    for words in (
        "test model 'owner/name'",
        "offline",
        "unset AVPROMPT_OFFLINE",
        fetch,
        str(home / "owner/name"),
    ):
        assert words in str(error.value)


def test_what_is_neither_folder_nor_hub_name_has_no_files() -> None:
    assert model("nowhere").find("config.json", download=True) is None


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_damaged_json(home: Path, text: str) -> None:
    (home / "config.json").write_text(text)
    with pytest.raises(WeightsError, match="is not a JSON object"):
        model(str(home)).find_json("config.json")
