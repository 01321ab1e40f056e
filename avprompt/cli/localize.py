"""`avprompt localize`: where one sound comes from in one image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from avprompt.cli.options import checkpoint_option, method_options, settings

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--method", required=True, help="A method's name or YAML file, or a run directory.")
@click.option("--image", type=FILE, required=True, metavar="IMG", help="The image.")
@click.option("--audio", type=FILE, required=True, metavar="WAV", help="The sound.")
@checkpoint_option
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
    save_heatmap: Path | None,
    overlay: Path | None,
    seconds: float | None,
    **chosen: Any,
) -> None:
    """Show where the sound of --audio comes from in --image."""
    from avprompt.plugin.discovery import load_plugins
    from avprompt.runs.localize import localize_clip, open_method, write_heatmap, write_overlay
    from avprompt.runs.session import is_run, recorded_settings, run_parts

    trained = is_run(method)
    if trained:
        method, own, recorded = run_parts(Path(method))
        checkpoint, chosen = checkpoint or own, recorded_settings(recorded, chosen)
    made = settings(**chosen)
    loaded = load_plugins(made.plugins)
    opened = open_method(loaded, method, made, checkpoint)
    if seconds is None:
        seconds = loaded.registry.load("datasets", made.dataset).audio_seconds if trained else 10.0
    found = localize_clip(opened, image, audio, seconds)
    row, column = found.peak()
    click.echo(
        f"Peak {found.heatmap.max():.2f} at {column:.0%} from the left, {row:.0%} from the top; ", nl=False
    )
    click.echo(f"confidence {found.confidence:.3f}.")
    if save_heatmap:
        click.echo(f"Heatmap: {write_heatmap(found, save_heatmap)}")
    if overlay:
        click.echo(f"Overlay: {write_overlay(found, overlay)}")
