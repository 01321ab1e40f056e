"""Ids of clips: repositories spell the same clip differently, avprompt spells it one way."""

from __future__ import annotations

import math
import re

_START = re.compile(r"(?P<video>.{11})_(?P<start>\d+)(\.\d+)?")
_SPAN = re.compile(r"(?P<video>.{11})_(?P<start>\d+(\.\d+)?)_(?P<end>\d+(\.\d+)?)")
_MS3_FRAME = re.compile(r"(?P<clip>.+)\.mp4_(?P<number>\d+)")

LENGTH = 10
"""Seconds of a clip of VGGSound."""

FLICKR_TYPO = ("3908875350", "3908875357")
"""The id that lists of 250 SoundNet-Flickr clips name, and the one that its authors meant."""


def vggsound_id(name: str) -> str:
    """Return a VGGSound clip as `<YouTube id>_<start in seconds, six digits>`.

    Knows the spellings of VGG-SS (`_000030`), of VGGSound's own csv joined by an underscore (`_30`), of
    SSLalignment (`_30000_40000`, milliseconds) and of AudioSet (`_30.000_40.000`). Any other name comes
    back as it is, such as a frame of MS3 (`_0_1`), whose two numbers lie less than 10 s apart.
    """
    if match := _START.fullmatch(name):
        return f"{match['video']}_{int(match['start']):06d}"
    if match := _SPAN.fullmatch(name):
        start, length = float(match["start"]), float(match["end"]) - float(match["start"])
        if math.isclose(length, LENGTH, abs_tol=1e-3):  # 16.1 - 6.1 is not quite 10
            return f"{match['video']}_{int(start):06d}"
        if length >= 1000:
            return f"{match['video']}_{int(start) // 1000:06d}"
    return name


def avsbench_id(name: str) -> str:
    """Return an AVSBench frame as `<clip>_<number>`; MS3 has `.mp4` between the two in its file names."""
    match = _MS3_FRAME.fullmatch(name)
    return f"{match['clip']}_{match['number']}" if match else name


def image_id(name: str) -> str:
    """Return the image that a sample of IS3 or VPO shows: its name without the last part.

    IS3 names samples `<class>_<class>_<number>_<class that sounds>`, VPO `<COCO image>_<COCO annotation>`.
    """
    return name.rpartition("_")[0]
