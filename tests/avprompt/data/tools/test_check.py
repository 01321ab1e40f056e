"""One kind of damage after the other, done to a whole data root, is found and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from avprompt.cli import main
from avprompt.data.benchmark import BenchmarkAdapter, BoxCounts
from avprompt.data.tools.check import check, check_split
from avprompt.records import Split
from avprompt.registry import Registry
from layouts.folder import folder, unmarked
from layouts.media import video
from mediafiles import IDS, annotate, save_picture, save_sound, tone

Damage = Callable[[Path], object]

BOX = [0.25, 0.25, 0.75, 0.5]
GARBAGE = [-2.9e16, -2.9e16, -2.9e16, -2.9e16]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def boxes(first: list[list[float]]) -> Damage:
    return lambda root: annotate(root, {name: first if name == IDS[0] else [BOX] for name in IDS})


DAMAGE: dict[str, tuple[Damage, dict[str, list[str]]]] = {
    "nothing": (lambda root: None, {}),
    "no picture": (lambda root: (root / f"frames/{IDS[0]}.jpg").unlink(), {"missing": [IDS[0]]}),
    "no sound": (lambda root: (root / f"audio/{IDS[1]}.wav").unlink(), {"missing": [IDS[1]]}),
    "half a picture": (lambda root: cut(root / f"frames/{IDS[0]}.jpg"), {"unreadable": [IDS[0]]}),
    "no sound at all": (
        lambda root: (root / f"audio/{IDS[0]}.wav").write_bytes(b"RIFF"),
        {"unreadable": [IDS[0]]},
    ),
    "an empty sound": (lambda root: save_sound(root / f"audio/{IDS[0]}.wav", 0), {"unreadable": [IDS[0]]}),
    "half a sound": (lambda root: cut(root / f"audio/{IDS[2]}.wav"), {"wrong length": [IDS[2]]}),
    "the whole video's sound": (
        lambda root: save_sound(root / f"audio/{IDS[2]}.wav", 30),
        {"wrong length": [IDS[2]]},
    ),
    "silence": (
        lambda root: soundfile.write(root / f"audio/{IDS[1]}.wav", np.zeros(160_000), 16_000),
        {"silent": [IDS[1]]},
    ),
    "channels that cancel each other": (
        lambda root: soundfile.write(
            root / f"audio/{IDS[1]}.wav", np.stack([tone(10, 300), -tone(10, 300)], axis=1), 16_000
        ),
        {"silent": [IDS[1]]},
    ),
    "channels that cancel each other about a constant level": (
        lambda root: soundfile.write(
            root / f"audio/{IDS[1]}.wav", 0.3 + np.stack([tone(10, 300), -tone(10, 300)], axis=1), 16_000
        ),
        {"silent": [IDS[1]]},
    ),
    "a constant level": (
        lambda root: soundfile.write(root / f"audio/{IDS[1]}.wav", np.full(160_000, 0.7), 16_000),
        {"silent": [IDS[1]]},
    ),
    "a sound far below what is heard": (
        lambda root: soundfile.write(
            root / f"audio/{IDS[1]}.wav", 1e-30 * tone(10, 300), 16_000, subtype="FLOAT"
        ),
        {"silent": [IDS[1]]},
    ),
    "one sample": (
        lambda root: soundfile.write(root / f"audio/{IDS[1]}.wav", tone(10, 300)[1:2], 16_000),
        {"silent": [IDS[1]], "wrong length": [IDS[1]]},
    ),
    "a silent channel beside a sounding one": (
        lambda root: soundfile.write(
            root / f"audio/{IDS[1]}.wav", np.stack([tone(10, 300), 0 * tone(10, 300)], axis=1), 16_000
        ),
        {},
    ),
    "a sound cut off at full scale": (
        lambda root: soundfile.write(root / f"audio/{IDS[1]}.wav", (9 * tone(10, 300)).clip(-1, 1), 16_000),
        {"clipped": [IDS[1]]},
    ),
    "a sound beyond full scale": (
        lambda root: soundfile.write(
            root / f"audio/{IDS[1]}.wav", 9 * tone(10, 300), 16_000, subtype="FLOAT"
        ),
        {"clipped": [IDS[1]]},
    ),
    "16-bit numbers as floats": (
        lambda root: soundfile.write(
            root / f"audio/{IDS[1]}.wav", 29412 * tone(10, 300), 16_000, subtype="FLOAT"
        ),
        {"unreadable": [IDS[1]]},
    ),
    "two sounds for one clip": (
        lambda root: shutil.copy(root / f"audio/{IDS[1]}.wav", root / f"audio/{IDS[1]}.flac"),
        {"missing": [IDS[1]]},
    ),
    "two pictures for one clip": (
        lambda root: shutil.copy(root / f"frames/{IDS[1]}.jpg", root / f"frames/{IDS[1]}.png"),
        {"missing": [IDS[1]]},
    ),
    "a short sound": (lambda root: save_sound(root / f"audio/{IDS[2]}.wav", 6), {"wrong length": [IDS[2]]}),
    "a codec's padding": (lambda root: save_sound(root / f"audio/{IDS[2]}.wav", 10.1), {}),
    "8 kHz": (lambda root: save_sound(root / f"audio/{IDS[0]}.wav", rate=8000), {"wrong rate": [IDS[0]]}),
    "a thumbnail": (
        lambda root: save_picture(root / f"frames/{IDS[0]}.jpg", (120, 16)),
        {"wrong size": [IDS[0]]},
    ),
    "an id twice": (
        lambda root: (root / "vggss_test.csv").write_text("\n".join([*IDS, IDS[1]])),
        {"duplicate": [IDS[1]]},
    ),
    "an absent id twice": (
        lambda root: (
            (root / "vggss_test.csv").write_text("\n".join([*IDS, IDS[1]])),
            (root / f"frames/{IDS[1]}.jpg").unlink(),
        ),
        {"missing": [IDS[1]], "duplicate": [IDS[1]]},
    ),
    "one content under two ids": (
        lambda root: shutil.copy(root / f"frames/{IDS[0]}.jpg", root / f"frames/{IDS[3]}.jpg"),
        {"duplicate": [IDS[3]]},
    ),
    "no annotation": (
        lambda root: annotate(root, {name: [BOX] for name in IDS[1:]}),
        {"broken annotation": [IDS[0]]},
    ),
    "a garbage box, which has no size either": (boxes([BOX, GARBAGE]), {"broken annotation": [IDS[0]] * 2}),
    "a box without width": (boxes([BOX, [0.5, 0, 0.5, 1]]), {"broken annotation": [IDS[0]]}),
    "no valid box": (boxes([[0.5, 0, 0.5, 1]]), {"broken annotation": [IDS[0]] * 2}),
    "a box outside the picture": (boxes([[1.5, 0, 2, 1]]), {"broken annotation": [IDS[0]]}),
    "a box of pixels": (boxes([[12, 30, 300, 200]]), {"broken annotation": [IDS[0]]}),
    "a box around everything": (boxes([[0, 0, 1, 1]]), {"broken annotation": [IDS[0]]}),
    "a box of 4 pixels": (boxes([[0.5, 0.5, 0.51, 0.51]]), {"broken annotation": [IDS[0]]}),
    "no box": (boxes([]), {"broken annotation": [IDS[0]]}),
}


@pytest.mark.parametrize(("damage", "expected"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_and_nothing_else(
    damage: Damage, expected: dict[str, list[str]], root: Path, vggss: type[BenchmarkAdapter]
) -> None:
    damage(root)
    report = check_split(vggss(root), "test")
    assert {kind: [problem.id for problem in wrong] for kind, wrong in report.wrong().items()} == expected


def test_what_is_drawn_is_counted(root: Path, vggss: type[BenchmarkAdapter]) -> None:
    boxes([BOX, BOX, GARBAGE])(root)
    report = check_split(vggss(root), "test")
    assert report.annotation == BoxCounts(samples=4, boxes=6, garbage=1, degenerate=1, unmarked=0)
    assert (report.official, report.listed, report.present) == (5158, 4, 4)


def test_what_was_published_broken_is_counted_but_not_held_against_the_data(
    root: Path, vggss: type[BenchmarkAdapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes([GARBAGE])(root)
    drawn = BoxCounts(samples=4, boxes=4, garbage=1, degenerate=1, unmarked=1)
    monkeypatch.setattr(vggss, "box_counts", {"test": drawn})
    report = check(vggss(root), "vggss")
    assert report.ok
    assert report.splits["test"].as_published
    assert [problem.known for problem in report.splits["test"].problems] == [True] * 3
    boxes([BOX, GARBAGE])(root)
    assert not check(vggss(root), "vggss").ok


def test_one_recording_may_have_several_files_where_the_benchmark_says_so(
    root: Path, vggss: type[BenchmarkAdapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(root / f"audio/{IDS[0]}.wav", root / f"audio/{IDS[3]}.wav")
    assert not check(vggss(root), "vggss").ok
    monkeypatch.setattr(vggss, "media", replace(vggss.media, shared_sounds=True))
    assert check(vggss(root), "vggss").ok


def test_clips_of_one_image_may_have_files_of_their_own(root: Path, vggss: type[BenchmarkAdapter]) -> None:
    shutil.copy(root / f"frames/{IDS[0]}.jpg", root / f"frames/{IDS[3]}.jpg")

    class Grouped(vggss):  # type: ignore[misc, valid-type]
        def split(self, name: str) -> Split:
            split: Split = super().split(name)
            return Split([replace(sample, group="one") for sample in split.samples], split.expected)

    assert check(Grouped(root), "vggss").ok


def test_training_clips_have_no_annotation_to_check(root: Path, vggss: type[BenchmarkAdapter]) -> None:
    (root / "vggss_10k.txt").write_text(f"{IDS[0]}\nelsewhere_00_000001\n")
    report = check_split(vggss(root), "train-10k")
    assert report.annotation is None
    assert {kind: len(problems) for kind, problems in report.wrong().items()} == {"missing": 1}


def test_silence_is_as_it_should_be_where_nothing_sounds(root: Path, vggss: type[BenchmarkAdapter]) -> None:
    soundfile.write(root / f"audio/{IDS[1]}.wav", np.zeros(160_000), 16_000)

    class Quiet(vggss):  # type: ignore[misc, valid-type]
        def split(self, name: str) -> Split:
            split: Split = super().split(name)
            return Split([replace(sample, sounding=False) for sample in split.samples], split.expected)

    assert not check(vggss(root), "vggss").ok
    assert check(Quiet(root), "vggss").ok


def check_folder(root: Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["data", "check", "folder", "--data-root", str(root), "--workers", "1"])
    return done.exit_code, " ".join(done.stdout.split())


def test_clips_without_truth_are_looked_at_and_nobody_calls_them_right(tmp_path: Path) -> None:
    root = unmarked(tmp_path)
    video(root / "videos/two.mp4", frames=20)
    code, shown = check_folder(root)
    assert code == 0
    assert "folder, train: 2 samples, 2 present, 2 readable annotation: none" in shown
    assert "All files could be read. There is no truth to score by." in shown
    assert "Nothing is wrong" not in shown
    (root / "videos/one.mp4").write_bytes(b"broken")
    save_sound(root / "alone.wav")
    save_picture(root / "seen.jpg")
    code, shown = check_folder(root)
    assert code == 1
    assert "folder, train: 4 samples, 1 present, 1 readable" in shown
    assert "Something is wrong" in shown


def test_a_check_that_reads_nothing_fails(tmp_path: Path) -> None:
    save_picture(tmp_path / "seen.jpg")
    code, shown = check_folder(tmp_path)
    assert code == 1
    assert "folder, train: 1 samples, 0 present, 0 readable" in shown
    assert "Not one clip could be read." in shown


def test_clips_without_truth_are_counted_beside_those_that_have_one(tmp_path: Path) -> None:
    code, shown = check_folder(folder(tmp_path))
    assert code == 0
    assert "1 clips have neither mask nor boxes: they are drawn, not scored" in shown


def test_clips_that_are_only_drawn_are_looked_at_too(tmp_path: Path) -> None:
    (folder(tmp_path) / "sea.flac").write_bytes(b"broken")
    code, shown = check_folder(tmp_path)
    assert code == 1
    assert "folder, test: 2 samples, 2 present, 2 readable" in shown
    assert "folder, all: 3 samples, 3 present, 2 readable" in shown
    assert "sea.flac" in shown.replace(" ", "")
    assert "Nothing is wrong" not in shown


def test_clips_that_are_drawn_are_looked_at_where_none_is_scored(tmp_path: Path) -> None:
    root = unmarked(tmp_path)
    (root / "train.txt").write_text("one\n")
    (root / "videos/two.mp4").write_bytes(b"broken")
    code, shown = check_folder(root)
    assert code == 1
    assert "folder, train: 1 samples, 1 present, 1 readable" in shown
    assert "folder, all: 2 samples, 1 present, 1 readable" in shown


def test_a_file_of_two_splits_is_read_once(registry: Registry, tmp_path: Path) -> None:
    counted = {}

    @contextmanager
    def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
        counted[what] = total
        yield lambda steps: None

    assert check(registry.load("datasets", "folder")(folder(tmp_path)), "folder", counting=counting).ok
    assert counted == {"read test": 4, "read all": 2}


def test_own_clips_may_have_any_length_but_are_told_of(tmp_path: Path) -> None:
    for name, seconds in (("whole", 10), ("long", 44), ("brief", 1)):
        save_picture(tmp_path / f"{name}.jpg", seed=seconds)
        save_sound(tmp_path / f"{name}.wav", seconds)
    code, shown = check_folder(tmp_path)
    assert code == 0
    assert "Note: sounds longer than 10 s, of which only the beginning is used: long Note:" in shown
    assert "Note: sounds shorter than 10 s, which the audio encoder fills up: brief Note:" in shown


def test_samples_without_files_are_whole(registry: Registry) -> None:
    report = check(registry.load("datasets", "tiny")(), "tiny")
    assert report.ok
    assert set(report.splits) == {"test", "validation"}


def test_the_command_reports_on_screen_and_as_json(root: Path, tmp_path: Path) -> None:
    command = ["data", "check", "vggss", "--data-root", str(root), "--json", str(tmp_path / "r.json")]
    whole = CliRunner().invoke(main, [*command, "--workers", "2"])
    assert whole.exit_code == 0, whole.output
    assert "Nothing is wrong" in whole.stdout
    cut(root / f"frames/{IDS[0]}.jpg")
    broken = CliRunner().invoke(main, [*command, "--workers", "1"])
    assert broken.exit_code == 1
    assert "unreadable" in broken.stdout
    report = json.loads((tmp_path / "r.json").read_text())
    assert not report["ok"]
    assert [problem["kind"] for problem in report["splits"]["test"]["problems"]] == ["unreadable"]


def test_the_official_annotation(shared: Path, vggss: type[BenchmarkAdapter]) -> None:
    report = check_split(vggss(shared / "metadata" / "vggss"), "test")
    assert report.annotation == BoxCounts(samples=5158, boxes=5941, garbage=12, degenerate=18, unmarked=2)
    assert report.as_published
    assert {kind: len(problems) for kind, problems in report.wrong().items()} == {"missing": 5158}
