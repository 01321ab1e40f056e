"""Frames and sounds out of videos: the right ones, all of them, and whole whatever happens."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from PIL import Image

from avprompt.cli import main
from avprompt.data.benchmark import BenchmarkAdapter
from avprompt.data.tools.check import check
from avprompt.data.tools.prepare import plan, prepare
from avprompt.errors import ConfigError, DataError
from avprompt.files import locked
from avprompt.registry import Registry
from mediafiles import IDS, save_vggss, save_video

ENDLESS = "clip0099999_000001"
"""Its video is read for ever by the command below."""

COMMAND = f"""
import time
from avprompt.cli import main
from avprompt.data.tools import prepare

read_frame = prepare.read_frame

def read_for_ever(video, *place):
    while video.stem == "{ENDLESS}":
        time.sleep(1)
    return read_frame(video, *place)

prepare.read_frame = read_for_ever  # here and in worker processes, which run this file too
if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds with a flash at frame 125."""
    return save_video(tmp_path_factory.mktemp("video") / "video.mp4", frames=250)


@pytest.fixture
def videos(tmp_path: Path, video: Path) -> Path:
    """The same video under the ids of two clips, one as SSLalignment spells it, in folders."""
    folder = tmp_path / "videos"
    for name in (f"test/{IDS[0]}.mp4", "more/clip00bbbbb_20000_30000.mp4"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(video, folder / name)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def run(videos: Path, root: Path, *options: str) -> tuple[int, str]:
    command = ["data", "prepare", "vggss", "--videos", str(videos), "--data-root", str(root)]
    done = CliRunner().invoke(main, [*command, "--workers", "1", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout


def test_frame_125_and_ten_seconds_of_mono(videos: Path, tmp_path: Path) -> None:
    code, shown = run(videos, tmp_path / "root")
    assert (code, shown.strip()) == (0, f"2 of 2 clips are in {tmp_path / 'root'}.")
    for name in IDS[:2]:
        grey = np.asarray(Image.open(tmp_path / f"root/frames/{name}.jpg"))
        assert grey.shape == (48, 64, 3)
        assert grey.mean() > 180, "the flash"
        sound, rate = soundfile.read(tmp_path / f"root/audio/{name}.wav", dtype="float32")
        assert (rate, sound.shape) == (16_000, (160_000,))
        for second in range(10):
            loudness = np.sqrt(np.mean(sound[16_000 * second :][:16_000] ** 2))
            assert 0.3 < loudness < 0.4, "a tone of amplitude 0.5"


def test_a_short_video_leaves_a_short_sound_which_is_told_of(
    tmp_path: Path, vggss: type[BenchmarkAdapter]
) -> None:
    root = save_vggss(tmp_path / "root")
    (root / f"audio/{IDS[0]}.wav").unlink()
    save_video(tmp_path / f"videos/{IDS[0]}.mp4", frames=150)
    for _ in range(2):  # what was made before is told of again
        code, shown = run(tmp_path / "videos", root)
        assert code == 0
        assert "1 of 1 clips" in shown
        assert f"{IDS[0]} │ 6.0" in shown
        assert "s of sound, not 10" in shown
    assert soundfile.info(root / f"audio/{IDS[0]}.wav").duration == pytest.approx(6, abs=0.1)
    assert [problem.id for problem in check(vggss(root), "vggss").splits["test"].wrong()["wrong length"]] == [
        IDS[0]
    ]


def test_a_video_that_is_longer_than_its_clip_is_refused(
    videos: Path, tmp_path: Path, vggss: type[BenchmarkAdapter]
) -> None:
    save_video(videos / f"{IDS[2]}.mp4", frames=1100)
    save_video(videos / f"{IDS[3]}.mp4", frames=260)
    code, shown = run(videos, tmp_path / "root")
    assert code == 1
    assert "3 of 4 clips" in shown
    assert not list((tmp_path / "root").rglob(f"{IDS[2]}*"))
    [problem] = prepare(plan(vggss, videos, tmp_path / "root"))
    assert problem.id == IDS[2]
    assert problem.reason == (
        f"{videos / IDS[2]}.mp4 is longer than the 10 s of a clip. Cut the clip out of it: "
        f"ffmpeg -ss START -i FILE -t 10 '{IDS[2]}.mp4'"
    )


def test_one_process_at_a_time_prepares_a_data_root(
    videos: Path, tmp_path: Path, vggss: type[BenchmarkAdapter]
) -> None:
    half = tmp_path / f"root/frames/.{IDS[0]}.jpg.x1y2z3"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half a pict")
    with locked(tmp_path / "root" / ".lock"):
        with pytest.raises(ConfigError, match="Another process writes to"):
            prepare(plan(vggss, videos, tmp_path / "root"))
        assert run(videos, tmp_path / "root") == (1, "")
        assert half.exists(), "it is another's"
    assert run(videos, tmp_path / "root")[0] == 0
    assert len(files(tmp_path / "root")) == 4


def test_a_video_whose_clock_does_not_start_at_zero(tmp_path: Path) -> None:
    save_video(tmp_path / f"videos/{IDS[0]}.mkv", start=30.0, sound_start=29.0)
    assert run(tmp_path / "videos", tmp_path / "root")[0] == 0
    assert np.asarray(Image.open(tmp_path / f"root/frames/{IDS[0]}.jpg")).mean() > 180, "the flash"
    sound, _ = soundfile.read(tmp_path / f"root/audio/{IDS[0]}.wav", dtype="float32")
    assert np.abs(sound[16_000 * 49 // 10 - 1600 :][:1600]).max() > 0.3, "one second of it came before"
    assert len(sound) / 16_000 == pytest.approx(5, abs=0.1), "five seconds are left of it"


def test_makes_missing_clips_usable(tmp_path: Path, video: Path, vggss: type[BenchmarkAdapter]) -> None:
    root = save_vggss(tmp_path / "root")
    for path in (root / f"frames/{IDS[0]}.jpg", root / f"audio/{IDS[0]}.wav"):
        path.unlink()
    assert not check(vggss(root), "vggss").ok
    shutil.copy(video, tmp_path / f"{IDS[0]}.mp4")
    assert run(tmp_path, root)[0] == 0
    assert check(vggss(root), "vggss").ok


def test_what_is_there_is_kept(videos: Path, tmp_path: Path) -> None:
    kept = tmp_path / f"root/frames/{IDS[0]}.jpg"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"somebody's own")
    (kept.parent / f".{IDS[1]}.jpg.x1y2z3").write_bytes(b"half a pict")
    assert run(videos, tmp_path / "root")[0] == 0
    assert kept.read_bytes() == b"somebody's own"
    assert len(files(tmp_path / "root")) == 4, "what was left half-written is gone"


def test_broken_videos_are_listed_and_leave_nothing(videos: Path, tmp_path: Path, video: Path) -> None:
    save_video(videos / f"{IDS[2]}.mp4", frames=100)
    save_video(videos / f"{IDS[3]}.mp4", sound=False)
    (videos / "clip00eeeee_000001.mp4").write_bytes(video.read_bytes()[:2000])
    shutil.copy(video, videos / "clip00bbbbb_000020.mp4")
    code, shown = run(videos, tmp_path / "root")
    assert code == 1
    assert "2 of 5 clips" in shown
    for name, reason in ((IDS[2], "ends at frame 99"), (IDS[3], "no sound"), ("clip00eeeee_000001", "not a")):
        assert name in shown
        assert reason in " ".join(shown.split())
    assert "a second video" in shown
    assert len(files(tmp_path / "root")) == 4


def test_a_list_chooses_clips(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f"clip00bbbbb_000020,dog\n{IDS[3]},cat\n")
    code, shown = run(videos, tmp_path / "root", "--list", str(tmp_path / "list.csv"))
    assert code == 0
    assert "1 clips" in shown
    assert set(files(tmp_path / "root")) == {f"frames/{IDS[1]}.jpg", f"audio/{IDS[1]}.wav"}


def test_nothing_to_prepare(
    tmp_path: Path, videos: Path, vggss: type[BenchmarkAdapter], registry: Registry
) -> None:
    with pytest.raises(DataError, match=r"There is no folder '.*gone'"):
        plan(vggss, tmp_path / "gone", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no video \(\.mp4"):
        plan(vggss, tmp_path / "empty", tmp_path)
    with pytest.raises(DataError, match="is not made of one frame of each video"):
        plan(registry.load("datasets", "tiny"), videos, tmp_path)
    with pytest.raises(DataError, match=r"no video of a clip .* such as 'dog', .* such as '.*\.mp4'"):
        plan(vggss, videos, tmp_path, {"dog"})


def test_a_place_that_cannot_be_written_to_is_named(
    tmp_path: Path, videos: Path, vggss: type[BenchmarkAdapter]
) -> None:
    (tmp_path / "root").write_text("a file, no folder")
    with pytest.raises(DataError, match=r"root' cannot be written to: .*exists"):
        prepare(plan(vggss, videos, tmp_path / "root"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/frames").write_text("a file, no folder")
    with pytest.raises(DataError, match=f"The files of '{IDS[1]}' cannot be written"):
        prepare(plan(vggss, videos, tmp_path / "other"))


def test_killed_half_way_and_started_again_it_ends_with_the_same_files(tmp_path: Path, video: Path) -> None:
    names = [*(f"clip00{k:05d}_000001" for k in range(5)), ENDLESS]
    (tmp_path / "videos").mkdir()
    for name in names:
        shutil.copy(video, tmp_path / f"videos/{name}.mp4")
    root, whole = tmp_path / "root", tmp_path / "whole"
    _start_and_kill(tmp_path, root)
    before = {path: path.stat().st_mtime_ns for path in root.glob("*/clip*")}
    assert 0 < len(before) < 2 * len(names)
    assert run(tmp_path / "videos", root)[0] == 0
    assert run(tmp_path / "videos", whole)[0] == 0
    assert files(root) == files(whole)
    assert len(files(root)) == 2 * len(names)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "finished files are not made again"


def _start_and_kill(folder: Path, root: Path) -> None:
    """Prepare videos of which one has no end; kill it after its first clip, and wait for its workers."""
    (folder / "command.py").write_text(COMMAND)
    command = [sys.executable, str(folder / "command.py"), "data", "prepare", "vggss", "--workers", "2"]
    child = subprocess.Popen(
        [*command, "--videos", str(folder / "videos"), "--data-root", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    while not list(root.glob("audio/clip*")) and child.poll() is None:
        time.sleep(0.005)
    child.kill()
    child.communicate(timeout=300)  # to the end of its output, which its workers hold open too
    assert child.returncode == -signal.SIGKILL


def test_the_missing_clips_of_real_media(shared: Path, tmp_path: Path, vggss: type[BenchmarkAdapter]) -> None:
    root = tmp_path / "clips"
    shutil.copytree(shared / "data" / "clips", root)
    assert [clip.id for clip in vggss(root).split("test").missing] == [
        "video01giraffexx_000000",
        "video01quetzalxx_000001",
        "video01camelxxxx_000002",
    ]
    assert run(root / "videos", root)[0] == 0
    report = check(vggss(root), "vggss")
    assert report.ok
    assert report.splits["test"].present == 27
