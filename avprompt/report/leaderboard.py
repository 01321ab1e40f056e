"""Methods as leaderboards: side by side only what may stand in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from avprompt.errors import ConfigError, DataError
from avprompt.runs.comparable import check_comparable
from avprompt.runs.compared_method import ComparedMethod
from avprompt.runs.comparison import Row, SplitComparison, spread
from avprompt.runs.reliance import RELIANCE
from avprompt.runs.result_table import BOUNDS, spoken


@dataclass(frozen=True)
class Entry:
    """A method on a leaderboard.

    Attributes:
        method: with its runs.
        value: of the metric that ranks, the mean over runs, percent.
        score: the same as text, with its spread over several seeds.
        interval: 95 % over samples, of one run.
        change: to the best, with its paired interval over samples.
        cells: the other numbers, as `Board.head` names them.
    """

    method: ComparedMethod
    value: float
    score: str
    interval: str
    change: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Board:
    """Methods on one split that may stand side by side, the best first.

    Attributes:
        table: all their numbers; the best is the reference.
        apart: why they do not stand beside those of an earlier board of the split; empty for the first.
    """

    table: SplitComparison
    apart: str = ""

    @property
    def head(self) -> tuple[str, ...]:
        """Titles of the cells of entries: the other metrics, and the headline with other sounds."""
        return (*map(spoken, self.table.metrics[1:]), *self._sounds)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """A row for each method."""
        return tuple(map(self._entry, self.table.methods))

    @property
    def bounds(self) -> list[tuple[str, str]]:
        """Names and values of floors and ceilings, in the metric that ranks."""
        kinds = tuple(f"{kind}:" for kind in BOUNDS)
        rows = [row for section in self.table.sections for row in section]
        return [
            (row[0], " / ".join(dict.fromkeys(filter(None, row[1:]))))  # some depend on the encoders
            for row in rows
            if row[0].startswith(kinds)
        ]

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know."""
        return [*([self.apart] if self.apart else []), *self.table.notes]

    @property
    def several_seeds(self) -> bool:
        """Whether a method has several runs."""
        return any(len(method.results) > 1 for method in self.table.methods)

    @property
    def differences(self) -> list[Row]:
        """Encoders, training options and data in which runs differ: rows with a cell for each method."""
        return [row for row in self.table.sections[0] if row[0] != "seed"]

    @property
    def _sounds(self) -> dict[str, str]:
        """The first two altered sounds, if some run was scored with them, by the titles of their columns."""
        scored = {
            name: sound
            for name, sound, _ in RELIANCE[:2]
            if any(self._altered(method, sound) for method in self.table.methods)
        }
        return scored if self.table.is_headline else {}

    def _altered(self, method: ComparedMethod, sound: str) -> list[float]:
        return method.values(self.table.split, "audio_reliance", sound, self.table.metric)

    def _entry(self, method: ComparedMethod) -> Entry:
        table = self.table
        values, interval = table.values(method, table.metric), table.interval(method)
        change = None if method is table.methods[0] else table.difference(method)
        others = [table.values(method, metric) for metric in table.metrics[1:]]
        sounds = [self._altered(method, sound) for sound in self._sounds.values()]
        return Entry(
            method,
            mean(values) if values else 0.0,
            spread(values),
            f"{interval[0]:.1f} .. {interval[1]:.1f}" if interval else "",
            f"{change.estimate:+.1f} ({change.low:+.1f} .. {change.high:+.1f})" if change else "",
            tuple(map(spread, (*others, *sounds))),
        )


def leaderboards(
    methods: Sequence[ComparedMethod], *, protocol: str | None = None, splits: Sequence[str] = ()
) -> list[Board]:
    """Return boards of all splits of all datasets.

    Args:
        methods: with their runs.
        protocol: by which they are ranked; their headline unless given.
        splits: that are shown; all that some have scored unless given.

    Raises:
        ConfigError: no run has scored such a split, or by such a protocol.
    """
    scored = [(method.results[0].dataset, split) for method in methods for split in method.splits]
    asked = [pair for pair in dict.fromkeys(scored) if not splits or pair[1] in splits]
    boards = [board for dataset, split in asked for board in _boards(methods, dataset, split, protocol)]
    if boards or not (scored or splits or protocol):  # clips without a truth have no scores
        return boards
    known = ", ".join(dict.fromkeys(split for _, split in scored)) or "none"
    wanted = f"split '{', '.join(splits)}'" if splits and not asked else f"protocol '{protocol}'"
    raise ConfigError(
        f"None of the runs was scored on or by the {wanted}. They have scored the splits {known}; score one "
        "again with `avprompt evaluate RUN --split NAME --protocol NAME`."
    )


def _boards(
    methods: Sequence[ComparedMethod], dataset: str, split: str, protocol: str | None
) -> Iterator[Board]:
    """Yield the boards of one split: a method stands on the first where every number means the same."""
    candidates = [
        method
        for method in methods
        if method.results[0].dataset == dataset
        and split in method.splits
        and (protocol is None or protocol in method.results[0].scores[split])
    ]
    columns: list[list[ComparedMethod]] = []
    reasons: list[str] = []
    for method in candidates:
        refused = ""
        for column in columns:
            reason = _cannot_stand_beside(column[0], method, split, protocol)
            refused = refused or reason
            if not reason:
                column.append(method)
                break
        else:
            columns.append([method])
            reasons.append(refused)
    for column, reason in zip(columns, reasons, strict=True):
        yield Board(_ranked(column, dataset, split, protocol), reason)


def _ranked(
    methods: Sequence[ComparedMethod], dataset: str, split: str, protocol: str | None
) -> SplitComparison:
    """Put the best first, by the mean over its runs."""
    by = protocol or methods[0].results[0].headline[0]
    table = SplitComparison(dataset, split, by, tuple(methods), "encoders")

    def score(method: ComparedMethod) -> float:
        values = table.values(method, table.metric)
        return -mean(values) if values else 0.0

    return replace(table, methods=tuple(sorted(methods, key=score)))


def _cannot_stand_beside(
    first: ComparedMethod, method: ComparedMethod, split: str, protocol: str | None
) -> str:
    """Say why two methods cannot stand in one table; empty where they can."""
    try:
        check_comparable([first, method], (split,), protocol=protocol, allow_different=True)
    except DataError as error:
        return str(error)
    return ""
