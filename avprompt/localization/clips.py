"""What is to be localised: pictures with sounds, videos, folders of both; and what is written of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from avprompt.data.sources import IMAGE_SUFFIXES, SOUND_SUFFIXES, VIDEO_SUFFIXES
from avprompt.errors import ConfigError, DataError

PICTURES = (*IMAGE_SUFFIXES, ".webp", ".bmp", ".tif", ".tiff", ".gif")
DRAWN = (*PICTURES, ".pdf", ".svg")
WRITTEN_VIDEO = ".mp4"
ENDING = "-localized"
"""How the names of what is written end, unless the user names it."""


@dataclass(frozen=True)
class Clip:
    """One picture or video.

    Attributes:
        path: of the file.
        output: what is to be written of it.
        sound: of a picture; None where there is none, and for a video.
    """

    path: Path
    output: Path
    sound: Path | None = None

    @property
    def is_video(self) -> bool:
        """Whether it is a video."""
        return is_video(self.path)


def is_video(path: Path) -> bool:
    """Say by its name whether a file is a video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def find_clips(inputs: Sequence[Path], audio: Path | None = None, output: Path | None = None) -> list[Clip]:
    """Return all clips that the user names, each with its sound and its output.

    Args:
        inputs: files, and folders of which all pictures and videos are taken.
        audio: the sound of every picture; where it is None, the file beside a picture with the same stem.
        output: a file where there is one clip, or a folder. Unless given, a file lies beside its clip, and of
            a folder `FOLDER-localized`.

    Raises:
        ConfigError: the output cannot be what its name says.
        DataError: a file is missing, or is neither picture nor video; a folder has none.
    """
    for path in (*inputs, *([audio] if audio else ())):
        if not path.exists():
            raise DataError(f"{path} does not exist.")
    named = [(path, folder) for given in inputs for path, folder in _files(given)]
    alone = len(inputs) == 1 and not inputs[0].is_dir()
    if output is not None and alone and output.suffix and not output.is_dir():
        _check_output(output, named[0][0])
        return [Clip(named[0][0], output, _sound(named[0][0], audio))]
    if output is not None and output.suffix.lower() in (*DRAWN, *VIDEO_SUFFIXES):
        raise ConfigError(f"--output: there are several clips, so '{output}' must be a folder.")
    clips = [
        Clip(path, _output(path, output or folder, plain=bool(output or folder)), _sound(path, audio))
        for path, folder in named
    ]
    return _distinct(clips)


def _files(given: Path) -> Iterator[tuple[Path, Path | None]]:
    """Yield the file that is named, or those of a folder with the folder to write to."""
    if not given.is_dir():
        if given.suffix.lower() in (*PICTURES, *VIDEO_SUFFIXES):
            yield given, None
            return
        raise DataError(
            f"{given} is neither a picture ({', '.join(PICTURES)}) nor a video ({', '.join(VIDEO_SUFFIXES)}) "
            "by its name."
        )
    files = [
        path
        for path in sorted(given.iterdir())
        if path.suffix.lower() in (*PICTURES, *VIDEO_SUFFIXES)
        and path.is_file()
        and not path.name.startswith(".")
        and not path.stem.endswith(ENDING)
    ]
    if not files:
        raise DataError(f"{given} holds no picture and no video. Give a file, or another folder.")
    folder = given.resolve()
    yield from ((path, folder.with_name(folder.name + ENDING)) for path in files)


def _output(path: Path, folder: Path | None, *, plain: bool) -> Path:
    """Return what is written of a clip: by its own name in a folder, with an ending beside it."""
    suffix = WRITTEN_VIDEO if is_video(path) else ".png"
    return (folder or path.parent) / f"{path.stem}{'' if plain else ENDING}{suffix}"


def _sound(path: Path, audio: Path | None) -> Path | None:
    """Return the sound of a picture."""
    if is_video(path) or audio is not None:
        return None if is_video(path) else audio
    beside = (path.with_suffix(suffix) for suffix in SOUND_SUFFIXES)
    return next((sound for sound in beside if sound.is_file()), None)


def check_video_output(output: Path, video: Path) -> None:
    """Make sure that what is written of a video can be an mp4, and takes not its place.

    Raises:
        ConfigError: it cannot.
    """
    _check_other(output, video)
    if output.suffix.lower() != WRITTEN_VIDEO:
        raise ConfigError(f"--output: a video is written as mp4, so '{output}' must end in {WRITTEN_VIDEO}.")


def _check_output(output: Path, path: Path) -> None:
    if is_video(path):
        check_video_output(output, path)
        return
    from avprompt.pictures.figure import picture_format  # needs Pillow

    _check_other(output, path)
    picture_format(output, "--output")


def _check_other(output: Path, path: Path) -> None:
    if output.exists() and output.samefile(path):
        raise ConfigError(f"--output: '{output}' is the clip itself. Give another name.")


def _distinct(clips: list[Clip]) -> list[Clip]:
    """Make sure that no two clips are written to one file, and none over another."""
    seen: dict[Path, Path] = {}
    for clip in clips:
        other = seen.setdefault(clip.output, clip.path)
        if other != clip.path:
            raise ConfigError(
                f"{other} and {clip.path} would both be written to {clip.output}. Give them one by one."
            )
    return clips
