"""Heatmaps and overlays of every clip of a split, whether or not it has a truth to be scored by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from avprompt.distributed import merged, together
from avprompt.errors import DataError, EvaluationError
from avprompt.files import replacing
from avprompt.localization.localizer import Localization, Localizer
from avprompt.pictures.gallery import DrawnClip, gallery_places, write_drawn
from avprompt.records import Missing, Sample, Split
from avprompt.runs.directory import RunDirectory
from avprompt.runs.progress import Quiet, Reporter
from avprompt.runs.results import Counts
from avprompt.runs.session import Session


@dataclass(frozen=True)
class Drawing:
    """What was drawn of a split.

    Attributes:
        counts: clips drawn, of those that the split names.
        missing: clips that could not be drawn.
        shown: a few of them for the gallery.
    """

    counts: Counts
    missing: tuple[Missing, ...]
    shown: tuple[DrawnClip, ...]


def draw(
    session: Session, split: Split, directory: RunDirectory, *, reporter: Reporter | None = None
) -> Drawing:
    """Write `heatmaps/ID.npy` and `overlays/ID.png` of every clip as soon as it is computed.

    Ranks share the clips; all return what all drew.

    Raises:
        DataError: no clip can be drawn, or, with `--strict`, one cannot.
    """
    if session.settings.strict and split.missing:
        raise _undrawn(split.missing[0])
    with (reporter or Quiet()).drawing(len(split.samples)) as on_clips:
        shares = together(session.ranks, lambda: _draw(session, split.samples, directory, on_clips))
    clips = merged(shares).values()
    missing = (*split.missing, *(clip for clip in clips if isinstance(clip, Missing)))
    used = sum(not isinstance(clip, Missing) for clip in clips)
    if missing and not used:
        raise _undrawn(missing[0])
    shown = tuple(clip for clip in clips if isinstance(clip, DrawnClip))
    return Drawing(Counts(used=used, expected=split.expected), missing, shown)


def show(session: Session, drawing: Drawing, directory: RunDirectory) -> None:
    """Write the gallery of clips that have no truth."""
    title = f"{session.method_config.name} on {session.settings.dataset} ({session.encoders} encoders)"
    write_drawn(directory.gallery, drawing.shown, title)


def _draw(
    session: Session, samples: Sequence[Sample], directory: RunDirectory, on_clips: Callable[[int], None]
) -> dict[int, DrawnClip | Missing | None]:
    """Draw the clips of this rank; by place: a clip for the gallery, one that is missing, or None."""
    ranks, size = session.ranks, session.adapter.size
    clips: dict[int, DrawnClip | Missing | None] = {}
    session.method.eval()
    localizer = Localizer(session.method, session.spec, session.accelerator.autocast)
    evaluation = session.settings.evaluation
    places = gallery_places(samples, evaluation.pictures, evaluation.clips)
    for place in range(ranks.rank, len(samples), ranks.size):
        sample = samples[place]
        try:
            localization = localizer.localize_sources(sample.image, sample.audio, (size, size))
        except EvaluationError as error:
            raise EvaluationError(f"'{sample.id}' cannot be drawn: {error}") from error
        except DataError as error:
            clips[place] = missing = Missing(sample.id, str(error))
            if session.settings.strict:
                raise _undrawn(missing) from error
        else:
            _write(localization, sample.id, directory)
            shown = DrawnClip(sample.id, sample.label, localization.image, localization.heatmap)
            clips[place] = shown if place in places else None
        if ranks.main:  # the others are about as far
            on_clips(min(ranks.size, len(samples) - place))
    return clips


def _undrawn(missing: Missing) -> DataError:
    return DataError(f"'{missing.id}' cannot be drawn: {missing.reason}")


def _write(localization: Localization, name: str, directory: RunDirectory) -> None:
    """Write a clip's two files; a slash in its name makes no folder."""
    stem = name.replace("/", "%2F")
    with (
        replacing(directory.heatmaps / f"{stem}.npy", durable=False) as temporary,
        temporary.open("wb") as file,
    ):
        np.save(file, localization.heatmap)
    with replacing(directory.overlays / f"{stem}.png", durable=False) as temporary:
        localization.overlay().save(temporary, "PNG")
