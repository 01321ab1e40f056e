"""`avprompt localize`: where sounds come from in pictures and videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avprompt.cli.options import PathType, checked_options, checkpoint_option, method_options, trust_option
from avprompt.errors import ConfigError, DataError, EvaluationError
from avprompt.files import file_errors, replacing
from avprompt.localization.clips import Clip, find_clips

if TYPE_CHECKING:
    from avprompt.localization.localizer import Localization, Localizer

FILE = PathType(path_type=Path, dir_okay=False)
SIZE = 224
"""Side of a written heatmap, pixels: the size at which the field scores."""


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=PathType(path_type=Path), metavar="INPUT...")
@click.option("--method", help="A method's name or YAML file, or a run directory; a small demo unless given.")
@click.option("--audio", type=FILE, metavar="WAV", help="The sound of the pictures.")
@click.option("--output", type=PathType(path_type=Path), metavar="PATH", help="A file, or a folder for many.")
@checkpoint_option
@trust_option
@click.option(
    "--save-heatmap", type=FILE, metavar="OUT.npy", help="Write the heatmap, 224 x 224 float32 in 0..1."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1),
    help="How much of the sound is used: 10 unless told, or what the run was trained on.",
)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), help="Of the mask; the run's own, or 0.5, unless given."
)
@click.option("--dpi", type=click.IntRange(30, 1200), help="Dots per inch of a picture, six inches wide.")
@click.option("--fps", type=click.FloatRange(0.01, 240), help="Maps a second of a video; 4 unless given.")
@click.option("--smooth", type=click.FloatRange(0, 60), help="Seconds that a video's maps are averaged over.")
@click.option(
    "--save",
    multiple=True,
    type=click.Choice(["json", "npz"]),
    help="Write boxes and confidences by time (json) or the maps (npz) of a video too; may be repeated.",
)
@method_options
def localize(
    inputs: tuple[Path, ...],
    method: str | None,
    audio: Path | None,
    output: Path | None,
    save_heatmap: Path | None,
    dpi: int | None,
    fps: float | None,
    smooth: float | None,
    save: tuple[str, ...],
    **given: Any,
) -> None:
    """Show where the sound comes from in INPUT: a video, a picture with its sound, or a folder of these.

    A video becomes an mp4, STEM-localized.mp4 unless --output names it. The sound of a picture is --audio, or
    the file beside it with the same stem (dog.jpg, dog.wav).
    """
    clips = find_clips(inputs, audio, output)
    _check_applicable(
        clips,
        {"--audio": audio, "--dpi": dpi},
        {"--fps": fps, "--smooth": smooth, "--save": save or None},
        save_heatmap,
    )
    localizer = _open(method, given)
    timing = {name: value for name, value in (("fps", fps), ("smooth", smooth)) if value is not None}

    pictured = output is not None or save_heatmap is None

    def draw(clip: Clip) -> None:
        if clip.is_video:
            video, *others = _draw_video(localizer, clip, timing, save)
            click.echo("\n".join([f"Video: {video}", *(f"Saved: {path}" for path in others)]))
            return
        localization = _localized(localizer, clip)
        if save_heatmap:
            click.echo(f"Heatmap: {_write_heatmap(localization, save_heatmap)}")
        if pictured:
            click.echo(f"Picture: {_write_picture(localizer, localization, clip, dpi)}")

    _each(clips, draw)


def _check_applicable(
    clips: Sequence[Clip],
    of_pictures: Mapping[str, object],
    of_videos: Mapping[str, object],
    heatmap: Path | None,
) -> None:
    """Make sure before anything is computed that the options fit the clips."""
    for options, needs_video, kind in ((of_pictures, False, "pictures"), (of_videos, True, "videos")):
        given = [name for name, value in options.items() if value is not None]
        if given and all(clip.is_video != needs_video for clip in clips):
            raise ConfigError(f"{', '.join(given)}: that is for {kind}, and there are none.")
    if heatmap and (len(clips) != 1 or clips[0].is_video):
        raise ConfigError("--save-heatmap is for one picture.")
    if heatmap and heatmap.suffix.lower() != ".npy":
        raise ConfigError(f"--save-heatmap: '{heatmap}' must end in .npy, the format that it is written in.")
    if len(clips) == 1 and not clips[0].is_video and clips[0].sound is None:
        raise _no_sound(clips[0])


def _open(method: str | None, given: dict[str, Any]) -> Localizer:
    """Open what the user names, or the demo, which says what it is."""
    options = checked_options(*([] if method is None else [method]))
    if method is None:
        _check_demo({**options, "checkpoint": given["checkpoint"], "trust": given["trust"]})
    from dataclasses import replace

    from avprompt import api

    if method is None:
        opened = {name: given[name] for name in ("seconds", "device", "precision")}
        localizer = api.load_demo(**opened)
        click.echo(f"{localizer.note.capitalize()}. {localizer.advice}", err=True)
    else:
        opened = {name: given[name] for name in ("checkpoint", "seconds", "trust")}
        localizer = api.load(method, **opened, **options)
    threshold = given["threshold"]
    return localizer if threshold is None else replace(localizer, threshold=threshold)


def _check_demo(options: dict[str, Any]) -> None:
    """Refuse what changes a method where none is named."""
    changed = [name for name, value in options.items() if value and name not in ("device", "precision")]
    if changed:
        flags = {"overrides": "set", "plugins": "plugin"}
        named = ", ".join(f"--{flags.get(name, name)}" for name in changed)
        raise ConfigError(f"{named}: name the method, too, with --method.")


def _each(clips: Sequence[Clip], draw: Callable[[Clip], None]) -> None:
    """Draw every clip; of many, those that fail stop no other and are named at the end.

    Raises:
        AvpromptError: the only clip fails, or the method does.
        DataError: some of many fail.
    """
    if len(clips) == 1:
        draw(clips[0])
        return
    failures = []
    for clip in clips:
        try:
            with file_errors(clip.output):
                draw(clip)
        except (DataError, EvaluationError) as error:
            failures.append(f"{clip.path.name}: {error}")
    if failures:
        count = f"{len(failures)} of {len(clips)} could not be localised, the others are done:"
        raise DataError("\n  ".join([count, *failures]))


def _draw_video(
    localizer: Localizer, clip: Clip, timing: dict[str, float], save: Sequence[Any]
) -> list[Path]:
    """Write the video with its heat and what is kept of it, behind a bar that counts maps."""
    from avprompt.localization.maps import Timing
    from avprompt.localization.video import Video
    from avprompt.runs.progress import Progress

    total = Timing(**timing).count(Video.of(clip.path))
    with Progress().counting(clip.path.name, total) as advance:
        return localizer.draw_video(clip.path, clip.output, **timing, save=save, on_map=lambda _: advance(1))


def _localized(localizer: Localizer, clip: Clip) -> Localization:
    """Localise the sound of one picture, and say where."""
    if clip.sound is None:
        raise _no_sound(clip)
    localization = localizer.localize(clip.path, clip.sound, size=(SIZE, SIZE))
    row, column = localization.peak()
    click.echo(
        f"{clip.path.name}: peak {localization.heatmap.max():.2f} at {column:.0%} from the left, "
        f"{row:.0%} from the top; confidence {localization.confidence:.3f}."
    )
    return localization


def _no_sound(clip: Clip) -> DataError:
    return DataError(
        f"{clip.path} is a picture without a sound: give --audio WAV, or put {clip.path.stem}.wav beside it."
    )


def _write_picture(localizer: Localizer, localization: Localization, clip: Clip, dpi: int | None) -> Path:
    """Write the picture with its heat, as what the file's name says."""
    from avprompt.pictures.figure import Figure

    remark = f"confidence {localization.confidence:.2f}"
    image, heatmap = localization.image, localization.heatmap
    Figure(image, heatmap, localizer.threshold, clip.path.stem, remark, localizer.note).save(clip.output, dpi)
    return clip.output


def _write_heatmap(localization: Localization, path: Path) -> Path:
    """Write the heatmap as a NumPy file."""
    import numpy as np

    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, localization.heatmap)
    return path
