"""Ground truths out of boxes and mask files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avprompt.errors import DataError
from avprompt_benchmarks.marks import Boxes, MaskFile, Nothing, read_mask
from layouts.media import mask

BOX = (56, 0, 168, 112)


def rectangle(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    values = np.zeros((224, 224), dtype=np.float32)
    values[top:bottom, left:right] = 1
    return values


def test_nothing_marks_nothing() -> None:
    truth = Nothing().truth()
    assert truth.mask.shape == (224, 224)
    assert not truth.mask.any()
    assert truth.sources == 0


def test_broken_boxes_are_no_sources() -> None:
    truth = Boxes([(0.25, 0.0, 0.75, 0.5), (0.0, 0.5, 0.0, 1.0)]).truth()
    np.testing.assert_array_equal(truth.mask, rectangle(*BOX))
    assert truth.sources == 1


@pytest.mark.parametrize("value", [1, 2, 90, 127, 255])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_a_mask_is_inside_wherever_it_is_not_0(value: int, mode: str, tmp_path: Path) -> None:
    """Loaders of the field dither grey values (mode 1), or divide palette indices by 255."""
    truth = MaskFile(mask(tmp_path / "mask.png", BOX, value, mode)).truth()
    np.testing.assert_array_equal(truth.mask, rectangle(*BOX))
    assert truth.mask.dtype == np.float32


@pytest.mark.parametrize("mode", ["1", "RGB", "RGBA", "LA", "I;16"])
def test_masks_of_any_mode_are_read(mode: str, tmp_path: Path) -> None:
    grey = Image.fromarray((rectangle(*BOX) * 255).astype(np.uint8))
    if mode == "I;16":
        grey = Image.fromarray(rectangle(*BOX).astype(np.uint16))
    else:
        grey = grey.convert(mode)
    grey.save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), rectangle(*BOX))


def test_transparency_is_not_part_of_a_mask(tmp_path: Path) -> None:
    Image.new("RGBA", (224, 224), (0, 0, 0, 255)).save(tmp_path / "empty.png")
    assert not read_mask(tmp_path / "empty.png").any()


def test_jpeg_masks_are_cut_in_the_middle(tmp_path: Path) -> None:
    """JPEG rings around edges, where > 0 would be far outside the object."""
    box = (60, 3, 165, 110)
    path = mask(tmp_path / "mask.jpg", box)
    assert read_mask(path, above=0).sum() > rectangle(*box).sum()
    np.testing.assert_array_equal(MaskFile(path).truth().mask, rectangle(*box))


def test_masks_of_other_sizes_are_resized_without_new_values(tmp_path: Path) -> None:
    image = Image.fromarray((rectangle(*BOX) * 255).astype(np.uint8))
    image.resize((448, 112), Image.Resampling.NEAREST).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(MaskFile(tmp_path / "mask.png").truth().mask, rectangle(*BOX))


def test_a_mask_is_read_once(tmp_path: Path) -> None:
    path = mask(tmp_path / "mask.png", BOX)
    marks = MaskFile(path)
    marks.verify()
    path.unlink()
    assert marks.size == (224, 224)
    assert marks.truth().mask.sum() == 112 * 112


@pytest.mark.parametrize("content", [None, b"", b"not a picture"])
def test_an_unreadable_mask_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"mask.png' cannot be read"):
        MaskFile(path).verify()


def test_a_mask_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vast.png"
    Image.new("1", (13_000, 13_000)).save(path)
    with pytest.raises(DataError, match=r"The mask .*vast\.png has 13000 x 13000 .*AVPROMPT_MAX_PIXELS=1690"):
        read_mask(path)
