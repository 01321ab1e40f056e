"""What a run shows while it trains."""

from __future__ import annotations

import io

from rich.console import Console

from avprompt.runs.progress import Progress
from avprompt.training.state import StepReport


def shown(**losses: float) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=200)
    with Progress(console).training("souple") as show:
        show(StepReport(0, 10, {name.replace("_", "-"): value for name, value in losses.items()}))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_terms_are_shortened_to_fit_on_a_line() -> None:
    assert "image 1.00  feature 2.00  total 3.00" in shown(
        image_contrastive=1.0, feature_contrastive=2.0, total=3.0
    )


def test_terms_that_would_look_the_same_keep_their_names() -> None:
    assert "image-contrastive 1.00  image-sigmoid 2.00  area 3.00" in shown(
        image_contrastive=1.0, image_sigmoid=2.0, area=3.0
    )
