"""SoundNet-Flickr with its annotators' XML, and the extended set."""

from __future__ import annotations

from pathlib import Path

from layouts.media import picture, sound

AGREED, ALONE, ODD, BROKEN, TYPO = "1000", "2000", "3000", "4000", "3908875350"

Box = tuple[int, int, int, int]


def xml(path: Path, annotators: list[list[Box]], extra: str = "") -> Path:
    """One clip's annotation: an element for each annotator, with a `bbox` for each box."""
    path.parent.mkdir(parents=True, exist_ok=True)
    corners = ("xmin", "ymin", "xmax", "ymax")
    parts = []
    for number, boxes in enumerate(annotators):
        inside = "".join(
            "<bbox><name>object</name>"
            + "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(corners, box, strict=True))
            + "</bbox>"
            for box in boxes
        )
        parts.append(f"<annotator{number}>{inside}{extra}</annotator{number}>")
    path.write_text(f"<annotation>{''.join(parts)}</annotation>")
    return path


def flickr(root: Path, test: str = "") -> Path:
    """EZ-VSL's layout, or with `test` its media in that folder, as ACL-SSL has them."""
    under = root / test
    (root / "flickr_test.csv").write_text(
        f"{AGREED},202\n{ALONE},dog barking\n{ODD},0\n{BROKEN},0\n{TYPO},0\n"
    )
    (root / "flickr_10k.csv").write_text(f'{AGREED},"race car, auto racing"\n5000,dog howling\n6000,dog\n')
    square, shifted = (64, 64, 128, 128), (96, 64, 160, 128)
    xml(under / f"Annotations/{AGREED}.xml", [[square], [square], [shifted]])
    xml(under / f"Annotations/{ALONE}.xml", [[(0, 0, 256, 128)], [], []])
    xml(under / f"Annotations/{ODD}.xml", [[square, square], [(9, 9, 9, 99)]], "<comment>none</comment>")
    (under / f"Annotations/{BROKEN}.xml").write_text("<annotation><a>")
    for name in (AGREED, ALONE, ODD, BROKEN):
        picture(under / f"frames/{name}.jpg")
        sound(under / f"audio/{name}.wav", rate=22050)
    picture(root / "frames/5000/0001.jpg")
    picture(root / "frames/6000.jpg")
    for name in ("5000", "6000"):
        sound(root / f"audio/{name}.wav")
    if test:  # its frames in training are folders, also of a clip that is tested
        picture(root / f"frames/{AGREED}/0009.jpg")
        sound(root / f"audio/{AGREED}.wav")
    return root


def flickr_extended(root: Path) -> Path:
    """Negatives, one of which names the clip that is not there."""
    flickr(root)
    lines = ["video,audio,label", f"{AGREED},{ALONE},non-sounding", f"{TYPO},{AGREED},non-sounding"]
    (root / "flickr_test_plus_silent.csv").write_text("\n".join(lines) + "\n")
    return root
