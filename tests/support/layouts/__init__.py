"""Small data roots in the official layouts, made on the spot, by the names of their datasets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from layouts import avatar, avsbench, flickr, folder, kaist, vggss

LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "vggss": vggss.vggss,
    "vggss-openset": vggss.openset,
    "vggss-heard": vggss.openset,
    "vggss-unheard": vggss.openset,
    "vggss-extended": vggss.vggss_extended,
    "flickr": flickr.flickr,
    "flickr-extended": flickr.flickr_extended,
    "avsbench-s4": avsbench.s4,
    "avsbench-ms3": avsbench.ms3,
    "avsbench-s4-boxes": avsbench.s4_boxes,
    "avsbench-ms3-boxes": avsbench.ms3_boxes,
    "is3": kaist.is3,
    "is3-masks": kaist.is3_masks,
    "vpo-ss": kaist.vpo_ss,
    "vpo-ss-masks": kaist.vpo_ss_masks,
    "vpo-ms": kaist.vpo_ms,
    "vpo-ms-masks": kaist.vpo_ms_masks,
    "avatar": avatar.avatar,
    "folder": folder.folder,
}
