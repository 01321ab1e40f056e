"""The table of a comparison: a column a method, a row a number, differences to the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table

from avprompt.runs.compare import ComparedMethod, Comparison, difference, summary

RELIANCE = (
    ("shuffled sound", "shuffled", "cIoU"),
    ("silence", "silent", "cIoU"),
    ("noise", "noise", "cIoU"),
    ("off-screen sound", "off-screen", "cIoU"),
    ("distractor's sound, on it", "distractor", "on_distractor"),
    ("distractor's sound, on the original", "distractor", "on_original"),
)


def print_comparison(comparison: Comparison, folder: Path, console: Console | None = None) -> None:
    """Print methods side by side, and where the picture is."""
    console = console or Console()
    console.print(comparison_table(comparison))
    if (folder / "compare.png").is_file():
        picture = folder / "compare.png"
        console.print(f"The same clips under every method: {picture}", highlight=False, markup=False)


def comparison_table(comparison: Comparison) -> Table:
    """Return scores under the headline protocol, audio reliance, floors, ceilings and published numbers."""
    first = comparison.methods[0].results[0]
    counts = first.samples[comparison.split]
    runs = max(len(method.results) for method in comparison.methods)
    seeds = f"{runs} seeds, mean ± standard deviation" if runs > 1 else f"seed {first.seed}"
    table = Table(
        title=f"{comparison.dataset}/{comparison.split}, {comparison.protocol}, {first.encoders} encoders\n"
        f"{counts.used:,} of {counts.expected:,} samples, {seeds}",
        title_justify="left",
    )
    table.add_column("Percent")
    for method in comparison.methods:
        table.add_column(method.name, justify="right")
    for section in (_scores, _reliance, _bounds, _published):
        for row in section(comparison):
            table.add_row(*row)
        table.add_section()
    return table


def _scores(comparison: Comparison) -> Iterator[list[str]]:
    yield _row(comparison, "trained parameters", lambda one: f"{one.results[0].trainable_parameters:,}")
    metrics = _metrics(comparison)
    for metric in metrics:
        path = ("scores", comparison.protocol, metric)
        name = metric.replace("_", " ")
        yield _row(comparison, name, partial(_value, comparison, path))
        yield _row(comparison, f"  Δ {name}", partial(_change, comparison, path))
    if "cIoU" in metrics:
        yield _row(comparison, "  Δ cIoU, paired 95 %", lambda one: _paired(comparison, one))


def _metrics(comparison: Comparison) -> list[str]:
    """Return the numbers that the headline protocol has, such as cIoU, or mIoU and F."""
    scores = comparison.methods[0].results[0].scores[comparison.split][comparison.protocol]
    return [name for name, value in scores.items() if isinstance(value, float) and name != "threshold"]


def _reliance(comparison: Comparison) -> Iterator[list[str]]:
    """The cIoU that is left under other sounds."""
    for name, sound, metric in RELIANCE:
        path = ("audio_reliance", sound, metric)
        row = _row(comparison, name, partial(_value, comparison, path))
        if any(row[1:]):
            yield row


def _bounds(comparison: Comparison) -> Iterator[list[str]]:
    result, split = comparison.methods[0].results[0], comparison.split
    for kind, table in (("floor", result.floors[split]), ("ceiling", result.ceilings[split])):
        for name, scores in table.items():
            yield [f"{kind}: {name}", *[f"{scores['cIoU']:.2f}"] * len(comparison.methods)]


def _published(comparison: Comparison) -> Iterator[list[str]]:
    """What papers print, each under the protocol that they used."""
    for protocol in dict.fromkeys(one.protocol for one in comparison.published):
        row = _row(comparison, f"published cIoU ({protocol})", partial(_printed, comparison, protocol))
        if any(row[1:]):
            yield row


def _printed(comparison: Comparison, protocol: str, method: ComparedMethod) -> str:
    wanted = (method.results[0].method, protocol)
    matching = [one for one in comparison.published if (one.method, one.protocol) == wanted]
    return "; ".join(f"{one.scores['cIoU']:.2f}" for one in matching if "cIoU" in one.scores)


def _row(comparison: Comparison, name: str, cell: Callable[[ComparedMethod], str]) -> list[str]:
    return [name, *(cell(method) for method in comparison.methods)]


def _value(comparison: Comparison, path: tuple[str, ...], method: ComparedMethod) -> str:
    return spread(method.values(comparison.split, *path))


def _change(comparison: Comparison, path: tuple[str, ...], method: ComparedMethod) -> str:
    first = comparison.methods[0]
    mine, theirs = (one.values(comparison.split, *path) for one in (method, first))
    return "" if method is first or not mine or not theirs else f"{mean(mine) - mean(theirs):+.2f}"


def _paired(comparison: Comparison, method: ComparedMethod) -> str:
    found = None if method is comparison.methods[0] else difference(comparison, method)
    return f"{found.low:+.1f} .. {found.high:+.1f}" if found else ""


def spread(values: Sequence[float]) -> str:
    """Write a number, or the mean and deviation of several."""
    if not values:
        return ""
    middle, deviation = summary(values)
    return f"{middle:.2f}" if deviation is None else f"{middle:.1f} ± {deviation:.1f}"
