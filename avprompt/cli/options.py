"""Options that several commands share, and which of them the user gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from avprompt.errors import WeightsError
from avprompt.weights.files import locate

Command = TypeVar("Command", bound=Callable[..., Any])

SEED = click.IntRange(0, 2**32 - 1)


class PathType(click.Path):
    """A path. An empty text is none: an unset variable of a script would mean the working folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or end with a message."""
        if value == "":
            self.fail("a path is needed, and the text is empty.", param, ctx)
        return super().convert(value, param, ctx)


plugin_option = click.option(
    "--plugin", "plugins", multiple=True, metavar="FILE.py", help="Load a plugin file too; may be repeated."
)
trust_option = click.option(
    "--trust", is_flag=True, help="Load the plugin files that the run names, which runs their code."
)
output_option = click.option(
    "--output", type=PathType(path_type=Path, file_okay=False), metavar="DIR", help="Where to write."
)
checkpoint_option = click.option(
    "--checkpoint",
    type=PathType(path_type=Path),
    metavar="FILE",
    callback=lambda context, option, value: value and _here_or_at_home(value),
    help="Trained parts to use instead of training; a file's name is also looked for among the weights.",
)
root_option = click.option(
    "--data-root",
    type=PathType(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The benchmark's folder, official layout.",
)
protocol_option = click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="NAME",
    help="Score by this, the first is the headline; may be repeated; the dataset's unless given.",
)
_FORMATS = (
    click.option(
        "--format",
        "form",
        type=click.Choice(["markdown", "latex", "csv", "json"]),
        help="Print nothing but the tables, in this format.",
    ),
    click.option("--json", "form", flag_value="json", help="The same as --format json."),
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")
dataset_option = click.option("--dataset", metavar="NAME", help="Benchmark, see `avprompt list datasets`.")

shards_option = click.option(
    "--shards",
    metavar="DIR|PATTERN",
    help="Train from packed clips, see `avprompt data shard`, or from a stream: http://host/{000..143}.tar.",
)
train_list_option = click.option(
    "--train-list",
    metavar="NAME",
    help="Train on this split (train-10k) or list of ids (FILE.txt, FILE.csv) instead.",
)
batch_size_option = click.option("--batch-size", type=click.IntRange(2), metavar="N", help="Clips in a step.")
workers_option = click.option(
    "--workers",
    type=click.IntRange(0),
    metavar="N",
    help="Processes that read data, for each that trains; as many as a GPU needs unless given.",
)
cache_size_option = click.option(
    "--cache-size",
    type=click.FloatRange(0, min_open=True),
    metavar="GB",
    help="Disk space for features of frozen encoders; 50 unless given.",
)
CACHED = click.Choice(["audio", "images", "all"])

track_option = click.option(
    "--track",
    type=click.Choice(["tensorboard", "wandb", "mlflow", "trackio"]),
    help="Send losses and scores to a tracker too, whose package must be installed.",
)

_ENCODERS = click.option("--encoders", metavar="SET", help="Encoder set; the dataset names its default.")
_ENCODER_SETS = click.option(
    "--encoders",
    "encoder_sets",
    metavar="SET",
    multiple=True,
    help="Encoder set; the dataset names its default. May be repeated with --across encoders.",
)
_METHOD = (
    click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="PART.OPTION=VALUE",
        help="Change an option; may be repeated.",
    ),
    plugin_option,
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
    click.option("--precision", type=click.Choice(["no", "bf16", "fp16"]), default="no", show_default=True),
)
_DATA = (
    root_option,
    click.option(
        "--split", "splits", multiple=True, metavar="NAME", help="Score this split; may be repeated."
    ),
    protocol_option,
    click.option(
        "--by",
        multiple=True,
        type=click.Choice(["size", "class", "sources"]),
        help="Break the headline score down; may be repeated.",
    ),
    click.option("--save-predictions", is_flag=True, help="Keep all heatmaps, for `avprompt score`."),
    click.option("--strict", is_flag=True, help="Stop at the first sample that cannot be read."),
    workers_option,
    cache_size_option,
    click.option("--cache", type=CACHED, help="Keep features of frozen encoders, see `avprompt cache`."),
    click.option("--compile", is_flag=True, help="Compile encoders and decoder with torch.compile."),
    click.option(
        "--pictures", type=click.IntRange(0), metavar="N", help="Clips in the gallery; 12 unless given."
    ),
    click.option(
        "--clips",
        metavar="ID,ID",
        default=(),
        callback=lambda context, option, value: tuple(filter(None, value.split(","))) if value else (),
        help="Show these clips in the gallery instead of some spread evenly.",
    ),
)
_TRAINING = (
    train_list_option,
    shards_option,
    click.option("--epochs", type=click.IntRange(1), metavar="N", help="Train for N passes over the data."),
    click.option("--steps", type=click.IntRange(1), metavar="N", help="Train for exactly N steps."),
    batch_size_option,
    click.option(
        "--accumulate", type=click.IntRange(1), metavar="N", help="Batches whose gradients make one step."
    ),
    click.option(
        "--negatives",
        type=click.Choice(["global", "local"]),
        help="Contrast clips with those of all processes (the default), or of their own only.",
    ),
    track_option,
)


def _together(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


format_options = _together(*_FORMATS)
method_options = _together(_ENCODERS, *_METHOD)
compared_options = _together(_ENCODER_SETS, *_METHOD)
data_options = _together(*_DATA)
training_options = _together(*_TRAINING)


def given_options() -> dict[str, Any]:
    """Return the options of a run that the user gave, as `avprompt.api` takes them.

    What was not given is left out, so that a default never passes for a wish.
    """
    from avprompt.runs.settings import RunOptions

    context = click.get_current_context()
    names = {"dataset", *RunOptions.__annotations__} & context.params.keys()
    given = (name for name in names if context.get_parameter_source(name) is not ParameterSource.DEFAULT)
    return {name: context.params[name] for name in given}


def checked_options(*methods: str, encoder_sets: Sequence[str] = ()) -> dict[str, Any]:
    """Return `given_options`, with names, the checkpoint and `--set` checked before torch is imported.

    `encoder_sets` are those that methods are compared across, where the options name none.
    Run directories bring names and plugins of their own, which are checked when they are opened.
    """
    from avprompt.config.method_config import check_names
    from avprompt.plugin.discovery import load_plugins
    from avprompt.runs.settings import Settings
    from avprompt.weights.hub_run import is_hub_run

    options, checkpoint = given_options(), click.get_current_context().params.get("checkpoint")
    if checkpoint is not None and not checkpoint.exists():
        raise WeightsError(
            f"There is no checkpoint '{checkpoint}'. `avprompt weights list` shows published ones and their "
            "place."
        )
    if any(is_hub_run(method) or Path(method).is_dir() for method in methods):
        return options
    settings = Settings.of(options)
    registry = load_plugins(settings.plugins).registry
    registry.find("datasets", settings.dataset)
    for protocol in settings.evaluation.protocols:
        registry.find("protocols", protocol)
    overrides = (*settings.overrides, *settings.training.overrides())
    for method in methods:
        for encoders in encoder_sets or (settings.encoders,):
            check_names(registry, method, encoders, overrides)
    return options


def _here_or_at_home(path: Path) -> Path:
    at_home = locate(str(path))
    return at_home if at_home.exists() else path
