"""A video that was uploaded, as a video with what sounds in it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from avprompt.errors import DataError
from avprompt.localization.localizer import Localizer
from avprompt.localization.video import Video

LONGEST = 600.0
"""Seconds of a video that may be uploaded: others wait for it to end."""


def draw(localizer: Localizer, video: str | None, folder: Path, *, fps: float, smooth: float) -> Path:
    """Return an mp4 with the heat over a video.

    Args:
        localizer: the method.
        video: the uploaded file.
        folder: where the mp4 goes, into a folder of its own.
        fps: maps a second.
        smooth: seconds over which maps are averaged.

    Raises:
        DataError: there is no video, or it is broken, too long, or silent.
    """
    if not video:
        raise DataError("There is no video: upload one.")
    seconds = Video.of(Path(video)).seconds
    if seconds > LONGEST:
        raise DataError(
            f"The video lasts {seconds / 60:.0f} minutes, and {LONGEST / 60:.0f} is the most that this page "
            "takes. Cut it, or use `avprompt localize`."
        )
    output = Path(tempfile.mkdtemp(dir=folder)) / "localized.mp4"
    localizer.draw_video(video, output, fps=fps, smooth=smooth)
    return output
