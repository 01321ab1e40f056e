"""`avprompt localize`: where one sound comes from in one image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avprompt.cli.options import PathType, checked_options, checkpoint_option, method_options, trust_option
from avprompt.errors import ConfigError, DataError
from avprompt.files import replacing

if TYPE_CHECKING:
    from avprompt.runs.localize import Localization

FILE = PathType(path_type=Path, dir_okay=False)
SIZE = 224
"""Side of a written heatmap, pixels: the size at which the field scores."""


@click.command()
@click.option("--method", required=True, help="A method's name or YAML file, or a run directory.")
@click.option("--image", type=FILE, required=True, metavar="IMG", help="The image.")
@click.option("--audio", type=FILE, required=True, metavar="WAV", help="The sound.")
@checkpoint_option
@trust_option
@click.option(
    "--save-heatmap", type=FILE, metavar="OUT.npy", help="Write the heatmap, 224 x 224 float32 in 0..1."
)
@click.option("--overlay", type=FILE, metavar="OUT.png", help="Write the heatmap over the image.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.1),
    help="How much of the sound is used: 10 unless told, or what the run was trained on.",
)
@method_options
def localize(
    method: str,
    image: Path,
    audio: Path,
    checkpoint: Path | None,
    trust: bool,
    save_heatmap: Path | None,
    overlay: Path | None,
    seconds: float | None,
    **_: Any,
) -> None:
    """Show where the sound of --audio comes from in --image."""
    for path in (image, audio):
        if not path.exists():
            raise DataError(f"{path} does not exist.")
    _check_endings(save_heatmap, overlay)
    options = checked_options(method)
    from avprompt import api

    localizer = api.load(method, checkpoint=checkpoint, seconds=seconds, trust=trust, **options)
    localization = localizer.localize(image, audio, size=(SIZE, SIZE))
    row, column = localization.peak()
    click.echo(
        f"Peak {localization.heatmap.max():.2f} at {column:.0%} from the left, {row:.0%} from the top; "
        f"confidence {localization.confidence:.3f}."
    )
    if save_heatmap:
        click.echo(f"Heatmap: {_write_heatmap(localization, save_heatmap)}")
    if overlay:
        click.echo(f"Overlay: {_write_overlay(localization, overlay)}")


def _check_endings(heatmap: Path | None, overlay: Path | None) -> None:
    """Make sure before anything is computed that the files will be what their names say."""
    from PIL import Image

    if heatmap and heatmap.suffix.lower() != ".npy":
        raise ConfigError(f"--save-heatmap: '{heatmap}' must end in .npy, the format that it is written in.")
    if overlay and Image.registered_extensions().get(overlay.suffix.lower()) not in Image.SAVE:
        raise ConfigError(
            f"--overlay: '{overlay}' is no picture that can be written: end it in .png or .jpg."
        )


def _write_heatmap(localization: Localization, path: Path) -> Path:
    """Write the heatmap as a NumPy file."""
    import numpy as np

    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, localization.heatmap)
    return path


def _write_overlay(localization: Localization, path: Path) -> Path:
    """Write the heatmap over the image, as what the file's ending says."""
    from PIL import Image

    with replacing(path) as temporary:
        localization.overlay().save(temporary, format=Image.registered_extensions()[path.suffix.lower()])
    return path
