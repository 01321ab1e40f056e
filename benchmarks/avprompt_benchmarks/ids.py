"""Ids of clips: repositories spell the same clip differently, avprompt spells it one way."""

from __future__ import annotations

import re

_SECONDS = re.compile(r"(?P<video>.{11})_(?P<start>\d+)")
_MILLISECONDS = re.compile(r"(?P<video>.{11})_(?P<start>\d+)_(?P<end>\d+)")

FLICKR_TYPO = ("3908875350", "3908875357")
"""The id that lists of 250 SoundNet-Flickr clips name, and the one that its authors meant."""


def vggsound_id(name: str) -> str:
    """Return a VGGSound clip as `<YouTube id>_<start in seconds, six digits>`.

    Knows the spellings of VGG-SS (`_000030`), of SSLalignment (`_30000_40000`, milliseconds) and of
    VGGSound's own csv joined by an underscore (`_30`). Any other name comes back as it is.
    """
    if match := _MILLISECONDS.fullmatch(name):
        return f"{match['video']}_{int(match['start']) // 1000:06d}"
    if match := _SECONDS.fullmatch(name):
        return f"{match['video']}_{int(match['start']):06d}"
    return name


def avsbench_id(name: str) -> str:
    """Return an AVSBench frame as `<clip>_<number>`; MS3 has `.mp4` between the two in its file names."""
    clip, _, number = name.rpartition("_")
    return f"{clip.removesuffix('.mp4')}_{number}"


def image_id(name: str) -> str:
    """Return the image that a sample of IS3 or VPO shows: its name without the last part.

    IS3 names samples `<class>_<class>_<number>_<class that sounds>`, VPO `<COCO image>_<COCO annotation>`.
    """
    return name.rpartition("_")[0]
