"""`avprompt serve`: a page in the browser."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from avprompt.cli.options import PathType
from avprompt.errors import ConfigError


@click.command()
@click.argument("methods", nargs=-1, metavar="[RUN_OR_METHOD ...]")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(1, 65535), default=7860, show_default=True, help="Of the page.")
@click.option(
    "--runs",
    type=PathType(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Folder whose finished runs are shown.",
)
@click.option("--largest", type=click.IntRange(1), default=200, show_default=True, help="Upload, megabytes.")
def serve(methods: tuple[str, ...], host: str, port: int, runs: Path, largest: int) -> None:
    """Show in a browser what sounds in pictures and videos, and the finished runs here.

    Without RUN_OR_METHOD a small demo is used that knows drawn shapes only. The page asks nothing of the
    internet, and only this machine sees it unless --host says otherwise.
    """
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE=os.environ.get("HF_HUB_OFFLINE", "1"))
    with tempfile.TemporaryDirectory(prefix="avprompt-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        from avprompt.web.app import web_page

        page = web_page(methods, runs=runs, folder=folder)
        click.echo(f"The page is at http://{host}:{port}, until Ctrl-C.")
        try:
            page.launch(
                server_name=host,
                server_port=port,
                max_file_size=f"{largest}mb",
                allowed_paths=[folder],
                share=False,
                quiet=True,
            )
        except OSError as error:
            raise ConfigError(f"Port {port} cannot be opened: {error} Choose another --port.") from error
