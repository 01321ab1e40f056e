"""A video with heat over it: frame by frame, so that its length costs no memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from PIL import Image

from avprompt.files import replacing
from avprompt.localization.maps import Interpolation, TimedMap
from avprompt.localization.mp4 import writing
from avprompt.localization.video import Video
from avprompt.pictures.confidence import ConfidenceBand
from avprompt.pictures.legend import mark_corner
from avprompt.pictures.overlay import lay_heat


def draw_video(
    video: Video, maps: Iterator[TimedMap], output: Path, *, threshold: float, note: str = ""
) -> None:
    """Write a video with maps over its pictures: as long, at the same rate, upright, with the same sound.

    Args:
        video: what is drawn on.
        maps: of the video, in the order of time.
        output: path of the mp4; whole or not there.
        threshold: of the mask whose contour is drawn.
        note: in the corner; empty for none.

    Raises:
        DataError: the video breaks off, or cannot be written.
    """
    between, pictures = Interpolation(maps), video.pictures()
    first = next(pictures)
    height, width = first.image.shape[:2]
    band = ConfidenceBand(width + width % 2, video.seconds, threshold)
    size = band.width, height + height % 2 + band.height
    with replacing(output) as temporary, writing(temporary, video, size) as mp4:
        for picture in chain([first], pictures):
            now = between.at(float(picture.time))
            shown = lay_heat(Image.fromarray(picture.image), now.heatmap, threshold)
            if note:
                mark_corner(shown, note)
            page = Image.new("RGB", size)
            page.paste(shown, (0, 0))
            page.paste(band.at(now.time, now.confidence), (0, size[1] - band.height))
            mp4.add(picture.time, page)
        for _ in maps:  # the last picture may stay for longer than a map: whoever keeps maps wants all
            pass
