from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avprompt.pictures.gallery import GalleryClip, write_comparison, write_gallery
from avprompt.pictures.sheet import CELL, Cell, Row, Sheet


def clips(count: int, level: float = 0.9) -> list[GalleryClip]:
    truth = np.zeros((24, 24), dtype=np.float32)
    truth[8:16, 8:16] = 1
    image = np.full((96, 96, 3), 90, dtype=np.uint8)
    return [GalleryClip(f"clip{k}", f"class {k}", image, truth, truth * level) for k in range(count)]


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_gallery_has_a_row_a_clip(tmp_path: Path) -> None:
    for count in (1, 3):
        write_gallery(tmp_path / f"{count}.png", clips(count))
    (width, short), (same, tall) = (size_of(tmp_path / f"{count}.png") for count in (1, 3))
    assert width == same
    assert tall - short == pytest.approx(2 * CELL, rel=0.1)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["1.png", "3.png"]


def test_a_dozen_clips_stand_in_two_blocks(tmp_path: Path) -> None:
    write_gallery(tmp_path / "gallery.png", clips(12))
    width, height = size_of(tmp_path / "gallery.png")
    assert width > height > 6 * CELL


def test_an_id_stands_below_a_class_name(tmp_path: Path) -> None:
    """Without a class name the id itself is the caption, once."""
    shown = clips(1)[0]
    pages = []
    for name, label in (("a", "dog"), ("b", "dog"), ("dog", "dog"), ("dog", "")):
        write_gallery(tmp_path / "g.png", [replace(shown, id=name, label=label)])
        with Image.open(tmp_path / "g.png") as page:
            pages.append(np.asarray(page))
    assert (pages[0] != pages[1]).any()
    assert (pages[2] == pages[3]).all()


def test_the_gallery_shows_the_contour_of_what_is_scored(tmp_path: Path) -> None:
    pages = []
    for threshold in (0.2, 0.8):
        gradient = replace(clips(1)[0], heatmap=np.linspace(0, 1, 24 * 24, dtype=np.float32).reshape(24, 24))
        write_gallery(tmp_path / "g.png", [gradient], threshold=threshold)
        with Image.open(tmp_path / "g.png") as page:
            pages.append(np.asarray(page)[:, -220:])
    changed = np.nonzero((pages[0] != pages[1]).any((1, 2)))[0]
    assert len(changed) > 4, "two lines at two heights"


def test_no_clip_is_no_error(tmp_path: Path) -> None:
    write_gallery(tmp_path / "gallery.png", [])
    assert (tmp_path / "gallery.png").is_file()


def test_long_names_fit(tmp_path: Path) -> None:
    clip = GalleryClip("c", "w" * 60 + " female speech, woman speaking " * 5, *vars_of(clips(1)[0]))
    write_gallery(tmp_path / "gallery.png", [clip], title="a very long title " * 20)


def vars_of(clip: GalleryClip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return clip.image, clip.truth, clip.heatmap


def test_a_comparison_has_a_column_a_method(tmp_path: Path) -> None:
    few = {"souple": clips(3), "acl-ssl": clips(3, 0.2)}
    write_comparison(tmp_path / "two.png", few, "toy", {"souple": 0.3})
    write_comparison(tmp_path / "three.png", {**few, "coop": clips(3)})
    assert size_of(tmp_path / "three.png")[0] - size_of(tmp_path / "two.png")[0] == pytest.approx(
        CELL, abs=10
    )


def test_a_comparison_needs_the_same_clips(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different clips"):
        write_comparison(tmp_path / "none.png", {"a": clips(2), "b": clips(3)})
    assert not list(tmp_path.iterdir())


def test_pictures_of_any_shape_are_framed() -> None:
    wide = np.zeros((50, 200, 3), dtype=np.uint8)
    page = Sheet("t", "", ["image"], [Row("wide", "", (Cell(wide, "0.50"),))]).draw()
    assert page.width > CELL
