"""The command line: each command parses, calls one library function, and prints."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from avprompt import __version__
from avprompt.cli.cache import cache
from avprompt.cli.catalogue import describe, list_, show
from avprompt.cli.compare import compare
from avprompt.cli.data import data
from avprompt.cli.evaluate import evaluate
from avprompt.cli.export import export
from avprompt.cli.localize import localize
from avprompt.cli.plugins import plugins
from avprompt.cli.report import report
from avprompt.cli.run import run
from avprompt.cli.score import score
from avprompt.cli.serve import serve
from avprompt.cli.sweep import sweep
from avprompt.cli.verbosity import verbosity
from avprompt.cli.weights import weights
from avprompt.errors import AvpromptError
from avprompt.files import file_errors
from avprompt.plugin.discovery import plugin_failure
from avprompt.training.interruption import ADVICE, end_at_once, handling

TRACEBACK = "AVPROMPT_TRACEBACK"
"""Environment variable that lets every error keep its traceback."""

_PACKAGE = Path(__file__).parent.parent


class Commands(click.Group):
    """A group whose commands end with one clear message when the user can mend what went wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; errors meant for people and those of plugins lose their traceback, bugs keep it."""
        if os.environ.get(TRACEBACK):
            try:
                return super().invoke(ctx)
            except SystemExit as error:  # it shows no traceback, and may claim success
                raise RuntimeError("The code of a plugin has ended the program.") from error
        try:
            with handling(end_at_once), file_errors(), plain_warnings():
                result = super().invoke(ctx)
                if "WORLD_SIZE" in os.environ:  # a launcher started this process
                    from avprompt.distributed import end_ranks

                    end_ranks()
                return result
        except AvpromptError as error:
            cause = error.__cause__  # what the system says of a file may come from a plugin's code
            told = _told_of_plugin(cause) if isinstance(cause, OSError) else None
            raise click.ClickException(told or str(error)) from error
        except KeyboardInterrupt as interrupted:
            click.echo(str(interrupted) or f"Interrupted. {ADVICE}", err=True)
            ctx.exit(128 + getattr(interrupted, "number", signal.SIGINT))  # as shells say it
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except BaseException as error:  # a plugin may raise anything, sys.exit too
            told = _told_of_plugin(error)
            if told is None:
                raise
            raise click.ClickException(told) from error


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show our own warnings as one line, without the place in our code."""
    others = warnings.formatwarning

    def formatted(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        if issubclass(category, UserWarning) and Path(filename).is_relative_to(_PACKAGE):
            return f"Note: {message}\n"
        return others(message, category, filename, lineno, line)

    warnings.formatwarning = formatted
    try:
        yield
    finally:
        warnings.formatwarning = others


def _told_of_plugin(error: BaseException) -> str | None:
    """Return what went wrong in a plugin's code, with its notes; None where it was in ours."""
    failure = plugin_failure(error)
    if failure is None:
        return None
    return " ".join([failure, *getattr(error, "__notes__", []), f"{TRACEBACK}=1 shows the whole traceback."])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="avprompt")
@click.option("--quiet", "-q", is_flag=True, help="No progress bars and notes, only results and errors.")
@click.option("--verbose", "-v", is_flag=True, help="Name weights, devices and what is fetched.")
@click.pass_context
def main(context: click.Context, quiet: bool, verbose: bool) -> None:
    """Audio-visual prompt learning: train, score and compare methods that find what sounds in an image.

    \b
    avprompt run souple                        train and score SouPLe on the toy benchmark
    avprompt compare souple acl-ssl            two methods side by side
    avprompt sweep souple --over prompt.context_tokens=4,8,16
    avprompt report runs/toy/*                 runs as a page to read and to send
    avprompt serve                             try it in a browser
    avprompt list methods                      what there is
    """  # noqa: D301 - click takes the backspace for "leave these lines alone"
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose contradict each other; give one of them.")
    context.with_resource(verbosity(quiet=quiet, verbose=verbose))


for command in (
    run,
    evaluate,
    score,
    compare,
    sweep,
    report,
    export,
    localize,
    serve,
    data,
    cache,
    plugins,
    list_,
    show,
    describe,
    weights,
):
    main.add_command(command)
