"""Comparisons as LaTeX, set as papers set them: booktabs, the best in bold, small spreads or intervals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from statistics import mean, stdev

from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.comparison import SplitComparison
from avprompt.runs.reliance import RELIANCE
from avprompt.runs.result_table import BOUNDS, spoken

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
} | {character: f"\\{character}" for character in "&%$#_{}"}


def latex(tables: Sequence[SplitComparison], notes: Sequence[str]) -> str:
    """Return a table for each split; it takes the package booktabs. Notes are comments."""
    comments = [f"% {note}" for note in ("Needs \\usepackage{booktabs}.", *notes)]
    return "\n".join([*comments, *(_table(table) for table in tables)])


def escaped(text: str) -> str:
    """Return a text as LaTeX prints it."""
    return re.sub("|".join(map(re.escape, _SPECIAL)), lambda match: _SPECIAL[match[0]], text)


def _table(table: SplitComparison) -> str:
    sounds = _sounds(table)
    head = ["Method", *map(spoken, table.metrics), *sounds]
    lines = [
        r"\begin{table}",
        r"  \centering\small",
        r"  \setlength{\tabcolsep}{3pt}",
        f"  \\caption{{{_caption(table)}}}",
        f"  \\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        r"    \toprule",
        _line(map(escaped, head)),
        r"    \midrule",
        *(_line(_cells(table, method, sounds)) for method in table.methods),
        *_bounds(table, len(sounds)),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _caption(table: SplitComparison) -> str:
    interval = any(table.interval(method) for method in table.methods)
    bounds = f" In brackets, 95\\,\\% intervals of {escaped(spoken(table.metric))} over samples." * interval
    return f"{escaped(table.title.replace(chr(10), ', '))}. Percent, the best in bold.{bounds}"


def _line(cells: Iterator[str] | map[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _sounds(table: SplitComparison) -> dict[str, str]:
    """Return the first two altered sounds that some method has, by the titles of their columns."""
    if not table.is_headline:
        return {}
    return {
        name: sound
        for name, sound, _ in RELIANCE[:2]
        if any(method.values(table.split, "audio_reliance", sound, table.metric) for method in table.methods)
    }


def _cells(table: SplitComparison, method: ComparedMethod, sounds: dict[str, str]) -> Iterator[str]:
    yield escaped(method.name)
    for metric in table.metrics:
        best = max((_rounded(table.values(other, metric)) for other in table.methods), default="")
        values = table.values(method, metric)
        text = _mean(values)
        shown = f"\\textbf{{{text}}}" if text and _rounded(values) == best else text
        interval = table.interval(method) if metric == table.metric else None
        bounds = f" {{\\tiny [{interval[0]:.1f}, {interval[1]:.1f}]}}" if interval else ""
        yield shown + _spread(values) + bounds
    for sound in sounds.values():
        values = method.values(table.split, "audio_reliance", sound, table.metric)
        yield _mean(values) + _spread(values)


def _bounds(table: SplitComparison, empty: int) -> Iterator[str]:
    """Yield floors, ceilings and what knows class names; those that depend on the encoders in all values."""
    for kind, field in BOUNDS.items() if table.is_headline else ():
        tables = [getattr(method.results[0], field).get(table.split, {}) for method in table.methods]
        for place, name in enumerate(dict.fromkeys(name for scores in tables for name in scores)):
            if place == 0:
                yield r"    \midrule"
            cells = [escaped(name if kind == "class-supervised" else f"{kind}: {name}")]
            for metric in table.metrics:
                values = (method.values(table.split, field, name, metric) for method in table.methods)
                cells.append(" / ".join(dict.fromkeys(f"{mean(known):.2f}" for known in values if known)))
            yield _line(iter([*cells, *[""] * empty]))


def _mean(values: Sequence[float]) -> str:
    """Write a number with two digits, and the mean of several with one, as the tables on the screen."""
    if not values:
        return ""
    return f"{mean(values):.1f}" if len(values) > 1 else f"{values[0]:.2f}"


def _rounded(values: Sequence[float]) -> float:
    return round(mean(values), 1 if len(values) > 1 else 2) if values else float("-inf")


def _spread(values: Sequence[float]) -> str:
    return f"$_{{\\pm {stdev(values):.1f}}}$" if len(values) > 1 else ""
