"""Heatmaps and overlays of clips without truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avprompt.errors import DataError
from avprompt.plugin.discovery import Loaded
from avprompt.records import Missing, Split
from avprompt.runs.directory import RunDirectory
from avprompt.runs.drawing import draw
from avprompt.runs.results import Counts
from avprompt.runs.session import Session, open_session
from avprompt.runs.settings import Settings


@pytest.fixture
def session(loaded: Loaded) -> Session:
    return open_session(loaded, "oracle", Settings(dataset="tiny"))


def split(session: Session, names: Sequence[str], missing: Sequence[Missing] = ()) -> Split:
    """Samples of the tiny world, without truth and under other names."""
    samples = session.adapter.split("test").samples
    drawn = [replace(sample, id=name, truth=None) for sample, name in zip(samples, names, strict=False)]
    return Split(drawn, len(drawn) + len(missing), tuple(missing))


def test_each_clip_has_its_files(session: Session, tmp_path: Path) -> None:
    drawing = draw(session, split(session, ["a", "b"]), RunDirectory(tmp_path))
    assert drawing.counts == Counts(used=2, expected=2)
    assert [clip.id for clip in drawing.shown] == ["a", "b"]
    for name, clip in zip("ab", drawing.shown, strict=True):
        np.testing.assert_array_equal(np.load(tmp_path / f"heatmaps/{name}.npy"), clip.heatmap)
        assert (tmp_path / f"overlays/{name}.png").is_file()


def test_no_name_leads_out_of_the_folder(session: Session, tmp_path: Path) -> None:
    draw(session, split(session, ["../../a", "b/c"]), RunDirectory(tmp_path / "run"))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    names = sorted(path.name for path in (tmp_path / "run/overlays").iterdir())
    assert names == ["..%2F..%2Fa.png", "b%2Fc.png"]


def test_what_cannot_be_read_is_named(session: Session, tmp_path: Path) -> None:
    clips = split(session, ["a", "b"], [Missing("c", "there is no sound")])
    broken = replace(
        clips, samples=[clips.samples[0], replace(clips.samples[1], image=tmp_path / "none.jpg")]
    )
    drawing = draw(session, broken, RunDirectory(tmp_path))
    assert drawing.counts == Counts(used=1, expected=3)
    assert [missing.id for missing in drawing.missing] == ["c", "b"]


def test_strictly_the_first_that_cannot_be_read_is_an_error(session: Session, tmp_path: Path) -> None:
    strict = replace(session, settings=session.settings.model_copy(update={"strict": True}))
    first, second = split(session, ["a", "b"]).samples
    broken = Split([replace(first, image=tmp_path / "none.jpg"), second], 2, ())
    with pytest.raises(DataError, match=r"'a' cannot be drawn: .*none.jpg does not exist"):
        draw(strict, broken, RunDirectory(tmp_path))
    assert not (tmp_path / "overlays").exists()


def test_where_nothing_can_be_drawn_that_is_an_error(session: Session, tmp_path: Path) -> None:
    nothing = split(session, [], [Missing("c", "there is no sound")])
    with pytest.raises(DataError, match="'c' cannot be drawn: there is no sound"):
        draw(session, nothing, RunDirectory(tmp_path))
