"""The page: pictures and videos under one method or two side by side, and the finished runs of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
from PIL import Image

from avprompt.errors import AvpromptError, DataError
from avprompt.localization.localizer import Localization
from avprompt.pictures.overlay import lay_heat
from avprompt.web.examples import Example
from avprompt.web.methods import Methods
from avprompt.web.runs import run_frame, run_names
from avprompt.web.sounds import ALTERED, Altered, heard
from avprompt.web.videos import LONGEST, draw

NONE = "none"
LEAST = 384
"""Pixels of the shorter side of what is shown: smaller pictures are enlarged, and the contour stays fine."""


def build_page(methods: Methods, examples: Sequence[Example], runs: Path, folder: Path) -> gr.Blocks:
    """Return the page, ready to be launched.

    Args:
        methods: what it offers; the first is shown at once.
        examples: pictures and sounds to try.
        runs: folder whose finished runs the last tab shows.
        folder: where videos are written.
    """
    page = gr.Blocks(title="avprompt", analytics_enabled=False)
    with page:
        gr.Markdown("# What sounds in a picture?")
        with gr.Tab("Picture"):
            _picture_tab(methods, examples)
        with gr.Tab("Video"):
            _video_tab(methods, folder)
        with gr.Tab("Runs"):
            _runs_tab(runs)
    page.queue(max_size=64, default_concurrency_limit=1)
    return page


def _picture_tab(methods: Methods, examples: Sequence[Example]) -> None:
    with gr.Row():
        with gr.Column():
            picture = gr.Image(label="Picture", type="filepath", format="png", height=260)
            sound = gr.Audio(label="Sound", type="filepath")
            other = gr.Audio(label="Another clip's sound", type="filepath")
        with gr.Column(scale=2):
            with gr.Row():
                names = [
                    _choice(methods, "Method", methods.names[0]),
                    _choice(methods, "Beside it", NONE, NONE),
                ]
            with gr.Row():
                shown = [gr.Image(label="Heat", format="png", height=340, interactive=False) for _ in names]
            said = [gr.Markdown() for _ in names]
            altered = gr.Radio(list(ALTERED), value=ALTERED[0], label="The method hears")
            threshold = gr.Slider(
                0, 1, methods[methods.names[0]].threshold, step=0.01, label="Threshold of the contour"
            )
            opacity = gr.Slider(0, 1, 1, step=0.05, label="Opacity of the heat")
            go = gr.Button("Find what sounds", variant="primary")
    kept = [gr.State() for _ in names]
    redrawn = [threshold, opacity]
    if examples:
        rows = [[str(example.picture), str(example.sound), str(example.other)] for example in examples]
        gr.Examples(rows, [picture, sound, other], label="Drawn examples", cache_examples=False)

    def locate(
        name: str, image: str | None, own: str | None, others: str | None, asked: Altered, *look: float
    ) -> tuple[Localization | None, str, Image.Image | None]:
        if name == NONE:
            return None, "", None
        with told():
            if image is None:
                raise DataError("There is no picture: upload one, or choose an example.")
            localizer = methods[name]
            localization = localizer.localize(image, heard(own, others, asked, localizer.spec))
        words = f"**{name or 'demo'}** hears {asked}: confidence {localization.confidence:.3f}"
        return localization, f"{words}. {localizer.note}".strip(), drawn(localization, *look)

    inputs = [picture, sound, other, altered, *redrawn]
    for name, place, text, image in zip(names, kept, said, shown, strict=True):
        for event in (go.click, altered.change):
            event(locate, [name, *inputs], [place, text, image])
        for slider in redrawn:
            slider.release(drawn, [place, *redrawn], image)


def _video_tab(methods: Methods, folder: Path) -> None:
    with gr.Row():
        video = gr.Video(label=f"Video, up to {LONGEST / 60:.0f} minutes")
        shown = gr.Video(label="What sounds in it", interactive=False)
    with gr.Row():
        name = _choice(methods, "Method", methods.names[0])
        fps = gr.Slider(1, 10, 4, step=1, label="Maps a second")
        smooth = gr.Slider(0, 2, 0, step=0.25, label="Seconds averaged over")
    go = gr.Button("Find what sounds", variant="primary")

    def locate(file: str | None, method: str, rate: float, reach: float) -> str:
        with told():
            return str(draw(methods[method], file, folder, fps=rate, smooth=reach))

    go.click(locate, [video, name, fps, smooth], shown)


def _runs_tab(runs: Path) -> None:
    with gr.Row():
        runs_shown = gr.Dropdown(run_names(runs), label=f"Finished runs in {runs}", multiselect=True)
        again = gr.Button("Look again", scale=0)
    shown = gr.HTML()

    def show(names: list[str] | None) -> str:
        with told():
            return run_frame(runs, names or [])

    runs_shown.change(show, runs_shown, shown)
    again.click(lambda: gr.update(choices=run_names(runs)), None, runs_shown)


def _choice(methods: Methods, label: str, value: str, *more: str) -> gr.Dropdown:
    choices = [(name or "demo", name) for name in (*more, *methods.names)]
    return gr.Dropdown(choices, value=value, label=label)


def drawn(localization: Localization | None, threshold: float, opacity: float) -> Image.Image | None:
    """Return a picture with its heat and the contour of the mask; None before there is one."""
    if localization is None:
        return None
    image = Image.fromarray(localization.image)
    factor = max(1, -(-LEAST // min(image.size)))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)
    return Image.blend(image, lay_heat(image, localization.heatmap, threshold), opacity)


@contextmanager
def told() -> Iterator[None]:
    """Show what went wrong as a message in the page."""
    try:
        yield
    except AvpromptError as error:
        raise gr.Error(str(error)) from error
