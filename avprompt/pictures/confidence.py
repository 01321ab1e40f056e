"""The band below a video: what its colours mean, and the confidence over time as far as it was played."""

from __future__ import annotations

from PIL import Image, ImageDraw

from avprompt.pictures.legend import Legend
from avprompt.pictures.overlay import CONTOUR
from avprompt.pictures.text import INK, MUTED, PAPER, font

GRID, CURVE = "#d9dce1", "#b73779"


class ConfidenceBand:
    """A key, a line of numbers, and a curve that grows from picture to picture, from 0 below to 1 above.

    A confidence is a cosine; one below 0 is drawn at 0. Only the picture of the band is kept.
    """

    def __init__(self, width: int, seconds: float, threshold: float) -> None:
        """Prepare a band.

        Args:
            width: of the video, pixels.
            seconds: that the video lasts.
            threshold: of the mask, for the key.
        """
        legend = Legend(width, threshold)
        self._size, self._row, self.width = legend.size, legend.row, width
        self._seconds = max(seconds, 1e-3)
        self.height = 5 * self._row + 5 * self._row % 2
        self._top, self._bottom = 2 * self._row, round(4.6 * self._row)
        self._band = Image.new("RGB", (width, self.height), PAPER)
        self._band.paste(legend.key(), (0, 0))
        self._pen = ImageDraw.Draw(self._band)
        for y in (self._top, self._bottom):
            self._pen.line((self._size, y, width - self._size, y), fill=GRID)
        self._last: tuple[int, int] | None = None

    def at(self, time: float, confidence: float) -> Image.Image:
        """Return the band at a time, not earlier than the one before."""
        x = self._size + round(min(time / self._seconds, 1) * (self.width - 2 * self._size))
        y = round(self._bottom - min(max(confidence, 0), 1) * (self._bottom - self._top))
        self._pen.line((*(self._last or (x, y)), x, y), fill=CURVE, width=max(2, self._size // 6))
        self._last = x, y
        shown = self._band.copy()
        pen = ImageDraw.Draw(shown)
        pen.line((x, self._top, x, self._bottom), fill=CONTOUR, width=max(1, self._size // 8))
        base = self._row + round(1.35 * self._size)
        pen.text((self._size, base), f"confidence {confidence:.2f}", INK, font(self._size), "ls")
        clock = f"{_clock(time)} / {_clock(self._seconds)}"
        pen.text((self.width - self._size, base), clock, MUTED, font(self._size), "rs")
        return shown


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
