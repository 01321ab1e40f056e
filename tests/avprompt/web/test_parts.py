"""What the page is made of, without a browser: methods, examples, altered sounds, finished runs."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile
from PIL import Image

import avprompt
from avprompt.data.inputs import InputSpec
from avprompt.errors import ConfigError, DataError
from avprompt.plugin.discovery import load_plugins
from avprompt.records import Audio
from avprompt.web.examples import write_examples
from avprompt.web.methods import Methods
from avprompt.web.runs import run_frame, run_names
from avprompt.web.sounds import heard
from avprompt.web.videos import draw


class TestMethods:
    def test_are_opened_once_and_when_asked_for(self) -> None:
        opened: list[str] = []

        def open_method(name: str) -> Any:
            opened.append(name)
            return object()

        methods = Methods(["a", "b", "a"], open_method)
        assert methods.names == ["a", "b"]
        assert opened == []
        assert methods["b"] is methods["b"]
        assert opened == ["b"]

    def test_others_than_those_of_the_page_are_not_opened(self) -> None:
        with pytest.raises(ConfigError, match="does not offer '/etc/passwd'"):
            Methods(["a"], cast("Any", str))["/etc/passwd"]


class TestSounds:
    SPEC = cast("InputSpec", type("Spec", (), {"rate": 100, "seconds": 2.0}))

    def test_silence_and_noise_are_as_long_as_a_clip_and_need_no_sound(self) -> None:
        silent, noisy = (heard(None, None, altered, self.SPEC) for altered in ("silence", "noise"))
        assert isinstance(silent, Audio)
        assert isinstance(noisy, Audio)
        assert len(silent.samples) == len(noisy.samples) == 200
        assert not silent.samples.any()
        assert np.std(noisy.samples) == pytest.approx(1, abs=0.2)

    def test_the_own_and_the_other_are_what_was_uploaded(self) -> None:
        files = "own.wav", "other.wav"
        assert heard(*files, "its own", self.SPEC) == Path("own.wav")
        assert heard(*files, "another clip's", self.SPEC) == Path("other.wav")

    def test_one_that_is_not_there_is_asked_for(self) -> None:
        with pytest.raises(DataError, match="There is no sound: upload or record one"):
            heard(None, "other.wav", "its own", self.SPEC)
        with pytest.raises(DataError, match="upload or record another clip's"):
            heard("own.wav", None, "another clip's", self.SPEC)


def test_examples_are_pictures_with_their_own_and_another_sound(tmp_path: Path) -> None:
    examples = write_examples(load_plugins().registry, tmp_path, count=3)
    assert len(examples) == 3
    for example in examples:
        with Image.open(example.picture) as picture:
            assert picture.width >= 96
        own, other = (soundfile.read(path)[0] for path in (example.sound, example.other))
        assert own.any()
        assert not np.array_equal(own, other)


class TestRuns:
    def test_are_none_where_nothing_has_run(self, tmp_path: Path) -> None:
        assert run_names(tmp_path) == []
        assert run_names(tmp_path / "missing") == []
        assert run_frame(tmp_path, []) == ""

    def test_are_shown_as_their_report(self, tmp_path: Path) -> None:
        avprompt.run("souple", "tiny", steps=1, batch_size=4, output=tmp_path / "a" / "b", pictures=0)
        assert run_names(tmp_path) == ["a/b"]
        frame = run_frame(tmp_path, ["a/b"])
        assert frame.startswith('<iframe srcdoc="&lt;!')
        assert "souple on tiny" in unescape(frame)

    @pytest.mark.parametrize("name", ["../elsewhere", "/etc", "b"])
    def test_others_are_not_read(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(DataError, match="There is no finished run"):
            run_frame(tmp_path, [name])


def test_a_video_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no video: upload one"):
        draw(cast("Any", None), None, tmp_path, fps=4, smooth=0)
