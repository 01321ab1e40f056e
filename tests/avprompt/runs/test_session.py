"""Sessions: what a run directory records, and what its encoders are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from avprompt.config.method_config import method_text
from avprompt.errors import ConfigError, DataError, WeightsError
from avprompt.plugin.discovery import Loaded
from avprompt.runs.session import Settings, open_session, recorded_settings, run_parts

RECORDED = {"dataset": "vggss", "data_root": "/data", "encoders": "mini", "seed": 4, "plugins": ["/p.py"]}


class TestRecordedSettings:
    def test_are_those_of_the_run(self) -> None:
        found = recorded_settings(RECORDED, {"seed": None, "overrides": (), "device": "auto"})
        assert (found["dataset"], found["data_root"], found["seed"]) == ("vggss", Path("/data"), 4)
        assert found["plugins"] == ("/p.py",)

    def test_give_way_to_what_is_asked_now(self) -> None:
        chosen: dict[str, Any] = {"seed": 0, "device": "cuda", "strict": True, "data_root": Path("/other")}
        found = recorded_settings(RECORDED, chosen)
        assert (found["seed"], found["device"], found["strict"]) == (0, "cuda", True)
        assert found["data_root"] == Path("/other")

    def test_keep_no_folder_for_other_data(self) -> None:
        assert recorded_settings(RECORDED, {"dataset": "toy"})["data_root"] is None
        assert recorded_settings(RECORDED, {"dataset": "vggss"})["data_root"] == Path("/data")

    def test_are_plain_and_hold_from_any_folder(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        recorded = Settings(data_root=Path("data"), plugins=("mine.py",), splits=("test",)).recorded()
        assert yaml.safe_load(yaml.safe_dump(recorded)) == recorded
        assert recorded["data_root"] == str(tmp_path / "data")
        assert recorded["plugins"] == [str(tmp_path / "mine.py")]


class TestEncoders:
    @pytest.mark.parametrize(
        ("overrides", "name"),
        [
            ((), "tiny"),
            (("audio_encoder.gain=1.0",), "tiny"),
            (("prompt.context_tokens=2",), "tiny"),
            (("audio_encoder.gain=2",), "tiny, changed"),
        ],
    )
    def test_are_called_what_they_are(self, loaded: Loaded, overrides: tuple[str, ...], name: str) -> None:
        assert open_session(loaded, "souple", Settings("tiny", overrides=overrides)).encoders == name

    def test_changed_in_a_file_are_not_passed_off(self, loaded: Loaded, tmp_path: Path) -> None:
        tables = yaml.safe_load(method_text(loaded.registry, "souple"))
        tables |= {"name": "mine", "audio_encoder": {"gain": 3}}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(tables))
        session = open_session(loaded, str(tmp_path / "mine.yaml"), Settings("tiny"))
        assert session.encoders == "tiny, changed"


class TestOpenSession:
    def test_takes_the_datasets_encoders_unless_told(self, loaded: Loaded) -> None:
        assert open_session(loaded, "oracle", Settings("tiny")).encoders == "tiny"

    def test_refuses_what_must_be_trained_first(self, loaded: Loaded) -> None:
        with pytest.raises(WeightsError, match=r"'souple' has trained parts: give --checkpoint"):
            open_session(loaded, "souple", Settings("tiny"), trained=True)
        open_session(loaded, "oracle", Settings("tiny"), trained=True)

    def test_refuses_two_lengths(self, loaded: Loaded) -> None:
        with pytest.raises(ConfigError, match=r"--epochs and --steps contradict each other"):
            open_session(loaded, "souple", Settings("tiny", epochs=1, steps=1))

    def test_view_is_the_methods_and_the_datas(self, loaded: Loaded) -> None:
        spec = open_session(loaded, "oracle", Settings("tiny")).spec
        assert (spec.image_size, spec.rate, spec.seconds) == (32, 1600, 0.1)

    def test_text_ceilings_need_a_decoder_that_can_read(self, loaded: Loaded) -> None:
        """CLIPSeg's decoder has no pretrained weights in the tiny world; cosines need none."""
        assert open_session(loaded, "souple", Settings("tiny")).pretrained_decoder() is None
        assert open_session(loaded, "oracle", Settings("tiny")).pretrained_decoder() is not None


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not a run: there is no config.yaml in it"):
        run_parts(tmp_path)
