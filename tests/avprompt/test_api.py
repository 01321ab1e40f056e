"""avprompt from Python: typed results, no word on the screen, errors for people."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
import torch
import yaml
from PIL import Image

import avprompt
from avprompt.records import ImageFeatures
from mediafiles import save_clip
from tinyworld.encoders import TinyClip
from tinyworld.scenes import RATE, scene


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> avprompt.RunResult:
    folder = tmp_path_factory.mktemp("api") / "run"
    return avprompt.run("souple", "tiny", steps=2, batch_size=4, seed=5, output=folder)


@pytest.fixture
def clip() -> tuple[np.ndarray, np.ndarray]:
    """Red sounds: an image (32, 32, 3) and its sound."""
    sample = scene("test", 0)
    return np.asarray(sample.image), sample.audio.samples  # type: ignore[union-attr]


class TestImport:
    def test_needs_no_torch(self) -> None:
        code = "import avprompt, sys; avprompt.__version__; assert 'torch' not in sys.modules"
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_every_promised_name_is_there(self) -> None:
        assert [name for name in avprompt.__all__ if getattr(avprompt, name) is None] == []

    def test_dir_shows_the_promised_names_and_options_are_explained(self) -> None:
        assert dir(avprompt) == sorted(avprompt.__all__)
        explained = avprompt.RunOptions.__doc__ or ""
        assert [name for name in avprompt.RunOptions.__annotations__ if f"{name}: " not in explained] == []

    def test_other_names_are_not(self) -> None:
        with pytest.raises(AttributeError, match="avprompt has no 'trian'; it has"):
            avprompt.trian  # type: ignore[attr-defined]  # noqa: B018


class TestRun:
    def test_leaves_what_the_command_leaves(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        assert (finished.folder / "results.json").is_file()
        assert finished.scores["test"]["val-threshold"]["cIoU"] >= 0
        assert len((finished.folder / "train.jsonl").read_text().splitlines()) == 2

    def test_says_nothing(self, capfd: pytest.CaptureFixture[str]) -> None:
        avprompt.run("oracle", "tiny", output="run")
        assert capfd.readouterr() == ("", "")

    def test_shows_progress_when_asked(self, capfd: pytest.CaptureFixture[str]) -> None:
        avprompt.run("oracle", "tiny", output="run", progress=True)
        assert "score test" in capfd.readouterr().err

    def test_overrides_and_default_folder(self, here: Path) -> None:
        result = avprompt.run("souple", "tiny", steps=1, batch_size=4, overrides=["prompt.context_tokens=2"])
        assert result.folder == Path("runs/tiny/souple-seed0")
        assert "context_tokens: 2" in (here / "runs/tiny/souple-seed0/config.yaml").read_text()

    @pytest.mark.parametrize(
        ("arguments", "options", "message"),
        [
            (("suple", "tiny"), {}, "Did you mean 'souple'?"),
            (("souple", "tinny"), {}, "There is no dataset 'tinny'"),
            (("souple", "tiny"), {"stpes": 1}, "There is no option 'stpes'. Did you mean 'steps'?"),
            (("souple", "tiny"), {"steps": 1, "epochs": 1}, "contradict each other"),
            ((3, "tiny"), {}, "Name a registered method, a YAML file or a run directory, .* not 3"),
            (("souple", "tiny"), {"output": ""}, "output must be a path, not ''"),
            (("souple", "tiny"), {"checkpoint": 3}, "checkpoint must be a path, not 3"),
            (("w.safetensors", "tiny"), {}, r"'w.safetensors' holds weights, .*checkpoint= in Python"),
            (
                ("souple", "vggss"),
                {"overrides": ["training.stpes=1"], "data_root": "gone"},
                "no option 'training.stpes'. Did you mean 'steps'",
            ),
        ],
    )
    def test_mistakes(self, arguments: Any, options: Any, message: str, here: Path) -> None:
        with pytest.raises(avprompt.AvpromptError, match=message):
            avprompt.run(*arguments, **options)
        assert not list(here.iterdir())

    @pytest.mark.parametrize("number", [float("nan"), float("inf")])
    def test_stops_at_what_is_not_finite(
        self, here: Path, monkeypatch: pytest.MonkeyPatch, number: float
    ) -> None:
        encode_image = TinyClip.encode_image

        def spoil(clip: TinyClip, pixels: torch.Tensor) -> ImageFeatures:
            features = encode_image(clip, pixels)
            features.dense[1] = number
            return features

        monkeypatch.setattr(TinyClip, "encode_image", spoil)
        message = "In the split 'validation': What TinyClip made of the image of 'validation-1' holds NaN"
        with pytest.raises(avprompt.AvpromptError, match=message):
            avprompt.run("oracle", "tiny", output=here / "run")


class TestEvaluate:
    def test_a_run_gives_its_own_numbers(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        again = avprompt.evaluate(finished.folder, output="again")
        assert (again.scores, again.floors, again.seed) == (finished.scores, finished.floors, 5)

    def test_a_run_elsewhere(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        assert avprompt.evaluate(finished.folder, "tiny-unvalidated").samples["test"].used == 12

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            ({"steps": 5}, "'steps' cannot act here"),
            ({"epochs": 1, "train_list": "train"}, "'epochs', 'train_list' cannot act here"),
            ({"overrides": ["training.flip=false"]}, "'training.flip' cannot act here"),
            ({"overrides": ["training.batch_size=2"]}, "'training.batch_size' cannot act here"),
            ({"overrides": [3]}, "overrides"),
            ({"overrides": 5}, "overrides"),
            ({"encoders": "published"}, "belong to its own encoders, 'tiny', and cannot be used with"),
        ],
    )
    def test_refuses_what_cannot_act(self, finished: avprompt.RunResult, options: Any, named: str) -> None:
        assert finished.folder is not None
        with pytest.raises(avprompt.AvpromptError, match=named):
            avprompt.evaluate(finished.folder, output="again", **options)

    def test_takes_what_acts(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        again = avprompt.evaluate(
            finished.folder, output="again", batch_size=2, encoders="tiny", data_root=None, workers=0
        )
        assert again.encoders == "tiny"

    def test_in_other_batches_is_made_alike(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        again = avprompt.evaluate(finished.folder, output="again", batch_size=2)
        assert again.folder is not None
        trained = [yaml.safe_load((run / "config.yaml").read_text())["training"]
                   for run in (finished.folder, again.folder)]  # fmt: skip
        assert trained[0] == trained[1]

    def test_keeps_what_was_asked_of_training(self) -> None:
        plain, changed = (
            avprompt.run("souple", "tiny", steps=1, batch_size=4, overrides=overrides, output=name)
            for name, overrides in (("plain", []), ("changed", ["training.flip=false"]))
        )
        again = avprompt.evaluate(changed.folder, output="again")  # type: ignore[arg-type]
        with pytest.raises(avprompt.AvpromptError, match=r"were not made alike: training\.flip"):
            avprompt.compare([again.folder, plain.folder])  # type: ignore[list-item]

    def test_a_checkpoint_beside_results_of_somebody(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        checkpoint = shutil.copy(finished.folder / "checkpoint.safetensors", "mine.safetensors")
        Path("results.json").write_text('{"mine": 1}')
        result = avprompt.evaluate("souple", "tiny", checkpoint=checkpoint, output="again", seed=5)
        assert (result.training, result.scores) == (None, finished.scores)

    def test_a_dump_knows_the_training(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        avprompt.evaluate(finished.folder, output="again", save_predictions=True)
        about = json.loads(Path("again/predictions/dump.json").read_text())
        assert about["training"]["steps"] == 2
        assert about["checkpoint_sha256"] == finished.checkpoint_sha256


class TestCompare:
    def test_has_a_column_for_each_method(self) -> None:
        comparison = avprompt.compare(["deaf", "oracle"], "tiny", seeds=[0, 1], output="c")
        assert [method.name for method in comparison.methods] == ["deaf", "oracle"]
        table = [line.split(" | ") for line in comparison.to_markdown().splitlines()]
        assert table[0] == ["| Percent", "deaf", "oracle |"]
        assert table[1] == ["| ---", "---:", "---: |"]
        assert ["| cIoU", table[3][1], "100.0 ± 0.0 |"] in table
        assert {len(row) for row in table} == {3}

    def test_goes_across_encoders(self) -> None:
        sets = ["tiny", "tiny-loud"]
        comparison = avprompt.compare(["oracle"], "tiny", across="encoders", encoders=sets, output="c")
        assert "| encoders | tiny | tiny-loud |" in comparison.to_markdown()
        assert [str(method.folders[0]) for method in comparison.methods] == [
            f"c/{encoders}/oracle-seed0" for encoders in sets
        ]

    def test_finds_unknown_names_before_anything_is_run(self) -> None:
        with pytest.raises(avprompt.AvpromptError, match="There is no method 'suple'"):
            avprompt.compare(["oracle", "suple"], "tiny", output="c")
        assert not Path("c").exists()

    @pytest.mark.parametrize("methods", [[], "souple", 3, None])
    def test_takes_a_list(self, methods: Any) -> None:
        with pytest.raises(avprompt.AvpromptError, match="compare takes a list of methods or runs"):
            avprompt.compare(methods, "tiny")

    @pytest.mark.parametrize("seeds", [[], 1, ["a"], "01", [0, 0], [-1]])
    def test_takes_seeds_that_are_some(self, seeds: Any) -> None:
        with pytest.raises(avprompt.AvpromptError, match="seed"):
            avprompt.compare(["deaf", "oracle"], "tiny", seeds=seeds)

    @pytest.mark.parametrize(
        ("methods", "options", "message"),
        [
            (["deaf", "oracle"], {"seed": 3}, r"give seeds=\[...\] instead"),
            (["deaf", "deaf"], {}, "'deaf' is to be compared with itself"),
            (["deaf"], {"across": "seeds"}, "compared across encoders, not across 'seeds'"),
            (["deaf"], {"encoders": []}, r"an encoder set, or a list of some, not \[\]"),
            (["deaf"], {"encoders": ["tiny", "tiny-loud"]}, r"\(across='encoders' in Python\)"),
        ],
    )
    def test_refuses_what_cannot_act(self, methods: Any, options: Any, message: str) -> None:
        with pytest.raises(avprompt.AvpromptError, match=message):
            avprompt.compare(methods, "tiny", **options)


class TestLocalize:
    def test_a_run_has_its_own_encoders(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        with pytest.raises(avprompt.AvpromptError, match="belong to its own encoders, 'tiny'"):
            avprompt.load(finished.folder, encoders="published")

    def test_a_run_brings_what_it_needs(self, finished: avprompt.RunResult, clip: Any) -> None:
        assert finished.folder is not None
        localizer = avprompt.load(finished.folder)
        assert localizer.spec.seconds == 0.1
        assert localizer.localize(*clip, rate=RATE).heatmap.shape == (32, 32)

    def test_a_run_brings_the_threshold_that_it_chose(self, finished: avprompt.RunResult) -> None:
        assert finished.folder is not None
        chosen = finished.scores["test"]["val-threshold"]["threshold"]
        expected = chosen if isinstance(chosen, float) else chosen[0]
        assert avprompt.load(finished.folder).threshold == pytest.approx(expected)
        assert avprompt.load("oracle", encoders="tiny").threshold == 0.5

    def test_finds_what_sounds(self, clip: Any) -> None:
        localization = avprompt.load("oracle", encoders="tiny", seconds=0.1).localize(*clip, rate=RATE)
        truth = scene("test", 0).truth.mask > 0  # type: ignore[union-attr]
        assert localization.heatmap.dtype == np.float32
        assert localization.heatmap[truth].mean() > 0.9 > 0.2 > localization.heatmap[~truth].mean()
        assert localization.overlay().size == (32, 32)
        assert localization.confidence > 0.9

    def test_finds_what_sounds_in_a_video(self, clip: Any, here: Path) -> None:
        """The picture stays the same, and its sound comes after half a second."""
        image, samples = clip
        heard = np.concatenate([np.zeros(8000), soxr.resample(np.tile(samples, 10), RATE, 16_000)[:8000]])
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.2)
        video = save_clip(here / "clip.mkv", sound=heard[None], show=image.repeat(3, 0).repeat(3, 1))
        maps = list(localizer.localize_video(video, fps=5, size=(32, 32)))
        truth = scene("test", 0).truth.mask > 0  # type: ignore[union-attr]
        assert [each.time for each in maps] == [0, 0.2, 0.4, 0.6, 0.8]
        assert maps[-1].heatmap[truth].mean() > 0.8 > 0.3 > maps[-1].heatmap[~truth].mean()
        assert maps[0].heatmap[truth].mean() < 0.8
        drawn = localizer.draw_video(video, here / "drawn.mp4", fps=2)
        assert drawn == [here / "drawn.mp4"]

    @pytest.mark.parametrize(
        ("video", "output", "message"),
        [
            ("gone.mp4", "o.mp4", "gone.mp4 does not exist"),
            (None, "o.mp4", "A video is a file, such as 'clip.mp4', not None"),
            (".", "o.mp4", ". is no file"),
            ("clip.mp4", "o.avi", "a video is written as mp4, so 'o.avi' must end in .mp4"),
            ("clip.mp4", "clip.mp4", "'clip.mp4' is the clip itself"),
        ],
    )
    def test_refuses_what_is_no_video(self, here: Path, video: Any, output: str, message: str) -> None:
        save_clip(here / "clip.mp4")
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        with pytest.raises(avprompt.AvpromptError, match=message):
            localizer.draw_video(video, output)

    def test_takes_files_pictures_arrays_and_tensors(self, clip: Any, here: Path) -> None:
        image, samples = clip
        Image.fromarray(image).save(here / "i.png")
        soundfile.write(here / "a.wav", samples, RATE, "FLOAT")
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        images = ["i.png", here / "i.png", Image.open(here / "i.png"), image]
        sounds = ["a.wav", here / "a.wav", torch.from_numpy(samples), samples]
        first, *others = localizer.localize(images, sounds, rate=RATE)
        for other in others:
            np.testing.assert_array_equal(other.heatmap, first.heatmap)

    def test_the_heatmap_has_the_size_that_is_asked_for(self, clip: Any) -> None:
        image, samples = clip
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        wide = image.repeat(2, axis=1)
        assert localizer.localize(wide, samples, rate=RATE).heatmap.shape == (32, 64)
        assert localizer.localize(wide, samples, rate=RATE, size=(7, 9)).heatmap.shape == (7, 9)

    @pytest.mark.parametrize(
        ("sound", "rate", "message"),
        [
            (np.zeros(160, np.float32), None, "give rate="),
            (np.zeros(160, np.float32), 0, "give rate="),
            (None, RATE, "A sound is a file, or samples as an array or tensor, not NoneType"),
            (np.zeros(160, np.int16), RATE, "must lie in -1..1, not be int16: divide"),
            (np.zeros(160, np.float32), "16k", "give rate=, .*got '16k'"),
            (np.zeros(160, np.float32), 3, "has the rate 3. Give the samples of a second, such as 16000"),
            (np.zeros((160, 2), np.float32), RATE, r"must be \(T,\) or \(channels, T\), not \(160, 2\)"),
            (np.zeros((160, 2), np.float32), RATE, r"Transpose \(T, channels\): samples.T"),
            (np.zeros((), np.float32), RATE, r"must be \(T,\) or \(channels, T\), not \(\)"),
            ("", None, "A sound is a file, or samples"),
            ("gone.wav", None, "gone.wav does not exist"),
        ],
    )
    def test_refuses_sounds_that_say_too_little(
        self, clip: Any, sound: Any, rate: int | None, message: str
    ) -> None:
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        with pytest.raises(avprompt.AvpromptError, match=message):
            localizer.localize(clip[0], sound, rate=rate)

    def test_refuses_lists_of_other_lengths(self, clip: Any) -> None:
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        with pytest.raises(avprompt.AvpromptError, match="as many sounds, one for each"):
            localizer.localize([clip[0]], [clip[1], clip[1]], rate=RATE)

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            (torch.zeros(3, 32, 32), r"not Tensor. Of a tensor .* image.permute\(1, 2, 0\)"),
            (3, "An image is a file, a PIL image, or an array"),
            ("", "not an empty text"),
            (np.zeros((0, 32, 3), np.uint8), r"expected a picture \(H, W, 3\) uint8, got \(0, 32, 3\)"),
            (np.zeros((3, 32, 32), np.uint8), r"Transpose \(3, H, W\)"),
            (np.zeros((32, 32, 3)), "multiply colours in 0..1 by 255"),
        ],
    )
    def test_refuses_what_is_no_image(self, clip: Any, image: Any, message: str) -> None:
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        with pytest.raises(avprompt.AvpromptError, match=message):
            localizer.localize(image, clip[1], rate=RATE)

    def test_pictures_of_pillow_are_read_like_files(self, clip: Any, here: Path) -> None:
        """Pillow's own conversion clips 16 bits to white, and decodes a broken file late."""
        grey = np.full((32, 32), 100 * 257, np.uint16)
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        localization = localizer.localize(Image.fromarray(grey), clip[1], rate=RATE)
        assert set(localization.image.flat) == {100}
        Image.effect_noise((64, 64), 50).save(here / "cut.png")
        (here / "cut.png").write_bytes((here / "cut.png").read_bytes()[:900])
        message = "The PIL image cannot be decoded"
        with Image.open(here / "cut.png") as cut, pytest.raises(avprompt.AvpromptError, match=message):
            localizer.localize(cut, clip[1], rate=RATE)

    def test_tensors_of_sound_may_be_of_any_precision(self, clip: Any) -> None:
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        sound = torch.from_numpy(clip[1]).bfloat16()
        rounded = localizer.localize(clip[0], sound, rate=RATE)
        exact = localizer.localize(clip[0], sound.float(), rate=RATE)
        np.testing.assert_array_equal(rounded.heatmap, exact.heatmap)

    def test_localizations_can_be_compared(self, clip: Any) -> None:
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        one, other = localizer.localize([clip[0]] * 2, [clip[1]] * 2, rate=RATE)
        assert one == one
        assert one != other

    @pytest.mark.parametrize("size", [224, (), (224,), (1, 2, 3), "ab", (3.5, 2), (None, 2)])
    def test_a_size_is_a_height_and_a_width(self, clip: Any, size: Any) -> None:
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        with pytest.raises(avprompt.AvpromptError, match=r"size must be \(height, width\) in pixels"):
            localizer.localize(*clip, rate=RATE, size=size)

    @pytest.mark.parametrize("seconds", ["x", -1, 0, 1e-9, float("nan"), float("inf"), True])
    def test_seconds_are_a_length_of_time(self, seconds: Any) -> None:
        with pytest.raises(avprompt.AvpromptError, match="seconds says how much of each sound is used"):
            avprompt.load("oracle", encoders="tiny", seconds=seconds)

    @pytest.mark.parametrize("name", [3, None, ""])
    def test_a_method_has_a_name(self, name: Any) -> None:
        with pytest.raises(avprompt.AvpromptError, match="Name a registered method, a YAML file or a run"):
            avprompt.load(name)

    def test_refuses_heatmaps_without_pixels(self, clip: Any) -> None:
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        with pytest.raises(avprompt.AvpromptError, match="A heatmap of 0 x 5 pixels shows nothing"):
            localizer.localize(*clip, rate=RATE, size=(0, 5))

    @pytest.mark.parametrize("number", [float("nan"), float("inf")])
    def test_shows_nothing_that_is_not_finite(
        self, clip: Any, monkeypatch: pytest.MonkeyPatch, number: float
    ) -> None:
        localizer = avprompt.load("oracle", encoders="tiny", seconds=0.1)
        spoilt = torch.full((1, 32, 32), number)
        monkeypatch.setattr(localizer.method.masker, "heatmap", lambda logits, size: spoilt)
        with pytest.raises(avprompt.AvpromptError, match="The heatmap of 'this sound' holds NaN or infinity"):
            localizer.localize(*clip, rate=RATE)

    def test_refuses_what_is_not_trained(self) -> None:
        with pytest.raises(
            avprompt.AvpromptError,
            match=r"'souple' has trained parts: give --checkpoint .*In Python: checkpoint=FILE",
        ):
            avprompt.load("souple", encoders="tiny")
