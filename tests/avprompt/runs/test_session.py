"""Sessions: what encoders are called, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from avprompt.config.method_file import method_text
from avprompt.config.tables import parse
from avprompt.errors import ConfigError, WeightsError
from avprompt.plugin.discovery import Loaded
from avprompt.runs.session import open_session
from avprompt.runs.settings import Settings
from tinyworld.encoders import TinyEar


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
        assert open_session(loaded, "souple", Settings(dataset="tiny", overrides=overrides)).encoders == name

    def test_changed_in_a_file_are_not_passed_off(self, loaded: Loaded, tmp_path: Path) -> None:
        tables = yaml.safe_load(method_text(loaded.registry, "souple"))
        tables |= {"name": "mine", "audio_encoder": {"gain": 3}}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(tables))
        session = open_session(loaded, str(tmp_path / "mine.yaml"), Settings(dataset="tiny"))
        assert session.encoders == "tiny, changed"


class TestOpenSession:
    def test_takes_the_datasets_encoders_unless_told(self, loaded: Loaded) -> None:
        assert open_session(loaded, "oracle", Settings(dataset="tiny")).encoders == "tiny"

    def test_refuses_what_must_be_trained_first(self, loaded: Loaded) -> None:
        with pytest.raises(WeightsError, match=r"'souple' has trained parts: give --checkpoint"):
            open_session(loaded, "souple", Settings(dataset="tiny"), trained=True)
        open_session(loaded, "oracle", Settings(dataset="tiny"), trained=True)

    def test_training_options_of_the_command_line_win(self, loaded: Loaded) -> None:
        options = {"dataset": "tiny", "overrides": ["training.steps=5"], "steps": 9, "batch_size": None}
        training = open_session(loaded, "souple", Settings.of(options)).method_config.training
        assert (training.steps, training.batch_size) == (9, 16)

    def test_refuses_two_lengths(self, loaded: Loaded) -> None:
        with pytest.raises(ConfigError, match=r"--epochs and --steps contradict each other"):
            open_session(loaded, "souple", Settings.of({"dataset": "tiny", "epochs": 1, "steps": 1}))

    def test_a_number_in_a_text_stays_text_in_the_config(self, loaded: Loaded) -> None:
        options = {
            "dataset": "tiny",
            "overrides": ["prompt.words='1e3'", "prompt.context_tokens=1"],
            "train_list": "1234e56",
        }
        session = open_session(loaded, "coop", Settings.of(options))
        tables = parse(session.config_text(), "config.yaml")
        assert tables["prompt"]["words"] == "1e3"
        assert tables["run"]["training"]["train_list"] == "1234e56"

    def test_input_spec_is_the_methods_and_the_datas(self, loaded: Loaded) -> None:
        spec = open_session(loaded, "oracle", Settings(dataset="tiny")).spec
        assert (spec.image_size, spec.rate, spec.seconds, spec.pad) == (32, 1600, 0.1, True)

    def test_an_encoder_may_pad_short_sounds_itself(
        self, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TinyEar, "pads_short_sounds", True)
        assert not open_session(loaded, "oracle", Settings(dataset="tiny")).spec.pad

    def test_text_ceilings_need_a_decoder_that_can_read(self, loaded: Loaded) -> None:
        """CLIPSeg's decoder has no pretrained weights in the tiny world; cosines need none."""
        assert open_session(loaded, "souple", Settings(dataset="tiny")).pretrained_decoder() is None
        assert open_session(loaded, "oracle", Settings(dataset="tiny")).pretrained_decoder() is not None
