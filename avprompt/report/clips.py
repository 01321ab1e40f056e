"""The clips of a run: what each scored, how many are found at each IoU, and pictures of a few."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from avprompt.data.media import read_image, resize_image
from avprompt.metrics.iou import SUCCESS_THRESHOLDS, ciou
from avprompt.pictures.gallery import GalleryClip, load_clips
from avprompt.pictures.overlay import overlay, spotlight
from avprompt.report.chart import Chart, line_chart
from avprompt.runs.directory import RunDirectory
from avprompt.runs.result_table import spoken
from avprompt.runs.results import read_rows

SIDE = 208
"""Of a picture, pixels."""

Row = Mapping[str, str]


@dataclass(frozen=True)
class Clip:
    """A scored clip: its id, and its cells as text, the number first by which clips are sorted."""

    id: str
    cells: tuple[str, ...]

    @property
    def score(self) -> float:
        """The number by which clips are sorted, percent; infinite where the clip does not count."""
        return float(self.cells[0]) if self.cells[0] else math.inf


@dataclass(frozen=True)
class Clips:
    """All scored clips of a split, the worst first.

    Attributes:
        head: names of the columns behind the id; the first is the one by which they are sorted.
        rows: the clips.
        is_iou: the first column holds IoUs.
    """

    head: tuple[str, ...]
    rows: tuple[Clip, ...]
    is_iou: bool


@dataclass(frozen=True)
class Picture:
    """A clip of the gallery: where it sounds and what was marked, both as data URIs, and its score."""

    id: str
    label: str
    truth: str
    marked: str
    score: str


def sample_rows(directory: RunDirectory, split: str) -> list[Row]:
    """Return the rows of `samples.csv` of a split; none where the run kept no such file."""
    rows = read_rows(directory.samples) if directory.samples.is_file() else []
    return [row for row in rows if row["split"] == split]


def clips_of(rows: Sequence[Row], protocol: str) -> Clips | None:
    """Return the scored clips of a split by a protocol, worst first; None where there are none."""
    if not rows:
        return None
    columns = [name for name in rows[0] if name not in ("split", "id", "confidence")]
    columns.sort(key=lambda name: (name != protocol, not name.startswith(f"{protocol}/")))
    is_iou = columns[:1] == [protocol]
    cells = (Clip(row["id"], tuple(_rounded(row[name]) for name in [*columns, "confidence"])) for row in rows)
    head = (*map(_column, columns), "confidence")
    return Clips(head, tuple(sorted(cells, key=lambda clip: clip.score)), is_iou)


def success_chart(rows: Sequence[Row], protocols: Sequence[str]) -> Chart | None:
    """Return the share of clips found from each IoU, a curve for each protocol that gives clips an IoU.

    The area under a curve is its AUC, and its height at 0.5 its cIoU.
    """
    ious = {name: _ious(rows, name) for name in protocols if rows and name in rows[0]}
    curves = {
        name: [(float(threshold), 100 * float(ciou(iou, threshold))) for threshold in SUCCESS_THRESHOLDS]
        for name, iou in ious.items()
        if iou.size
    }
    if not curves:
        return None
    halves = ", ".join(f"{name} {dict(points)[0.5]:.1f} %" for name, points in curves.items())
    return line_chart(
        "Clips found, percent, by the IoU that counts as found",
        curves,
        summary=f"Success curves over IoU thresholds from 0 to 1. At 0.5: {halves}.",
        x_label="IoU threshold",
        y_range=(0.0, 100.0),
    )


def pictures_of(directory: RunDirectory, clips: Clips | None, threshold: float) -> tuple[Picture, ...]:
    """Return the clips of the gallery that are among some, worst first, with their masks at a threshold."""
    scored = {clip.id: clip for clip in clips.rows} if clips else {}
    shown = [clip for clip in load_clips(directory.path) if clip.id in scored]
    shown.sort(key=lambda clip: scored[clip.id].score)
    return tuple(_picture(clip, scored[clip.id].cells[0], threshold) for clip in shown)


def _picture(clip: GalleryClip, score: str, threshold: float) -> Picture:
    image = resize_image(clip.image, SIDE)
    marked = overlay(image, clip.heatmap, clip.truth, threshold)
    return Picture(
        clip.id, clip.label or clip.id, data_uri(spotlight(image, clip.truth)), data_uri(marked), score
    )


def data_uri(picture: np.ndarray | Path) -> str:
    """Return a picture, (H, W, 3) uint8 or a file, as text that stands in a page.

    Raises:
        DataError: the file cannot be read.
    """
    image = read_image(picture)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=86, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _ious(rows: Sequence[Row], protocol: str) -> np.ndarray:
    """Return the IoUs of clips, 0..1, of those that count."""
    return np.array([float(row[protocol]) / 100 for row in rows if row[protocol]])


def _column(name: str) -> str:
    """Return the title of a column of `samples.csv`: a protocol's own name holds its IoU."""
    protocol, _, metric = name.partition("/")
    return f"{protocol} {spoken(metric)}" if metric else f"{protocol} IoU"


def _rounded(cell: str) -> str:
    return f"{float(cell):.2f}" if cell else ""
