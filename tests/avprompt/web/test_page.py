"""The page in a real browser: an upload gives an overlay, an altered sound another, nothing is sent away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pytest
import soundfile
from PIL import Image

import avprompt
from mediafiles import save_video

gradio = pytest.importorskip("gradio", reason="gradio is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of gradio and what it imports
PATIENCE = 600_000  # milliseconds: a browser on a busy machine is slow
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
OPTIONS += ["--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page with the demo."""
    from avprompt.web.app import web_page

    folder, runs = tmp_path_factory.mktemp("examples"), tmp_path_factory.mktemp("runs")
    avprompt.run("souple", "tiny", steps=1, batch_size=4, pictures=0, output=runs / "first")
    page = web_page(runs=runs, folder=folder)
    launched = page.launch(
        prevent_thread_lock=True, quiet=True, allowed_paths=[str(folder)], max_file_size="1mb"
    )
    yield launched[1]
    page.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium here")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, url: str) -> Iterator[Any]:
    shown = browser.new_page(viewport={"width": 1300, "height": 1200})
    shown.set_default_timeout(PATIENCE)
    shown.asked = []
    shown.on("request", lambda request: shown.asked.append(request.url))
    shown.goto(url)
    shown.get_by_text("What sounds in a picture?").wait_for()
    yield shown
    shown.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A picture and a sound of the examples' kind."""
    folder = tmp_path_factory.mktemp("clip")
    draw = np.random.default_rng(0)
    Image.fromarray(draw.integers(0, 255, (96, 96, 3), np.uint8)).save(folder / "a.png")
    soundfile.write(folder / "a.wav", draw.normal(size=32_000) / 10, 16_000)
    return folder / "a.png", folder / "a.wav"


def upload(page: Any, number: int, path: Path) -> None:
    with page.expect_response(lambda response: "/upload" in response.url):
        page.locator("input[type=file]").nth(number).set_input_files(str(path))


def test_an_upload_gives_an_overlay_and_nothing_is_asked_of_the_outside(
    page: Any, url: str, clip: tuple[Path, Path]
) -> None:
    for number in (1, 0):  # a field that has been filled is no longer among the empty ones
        upload(page, number, clip[number])
    page.get_by_text("0:02").first.wait_for()  # the sound is there, two seconds of it
    page.get_by_role("button", name="Find what sounds").first.click()
    page.get_by_text("hears its own: confidence").wait_for()
    page.get_by_text("knows drawn shapes only").wait_for()
    page.get_by_label("silence").check()
    page.get_by_text("hears silence: confidence").wait_for()
    outside = [asked for asked in page.asked if not asked.startswith((url, "data:", "blob:"))]
    assert outside == []


def test_a_click_without_a_picture_ends_in_a_message(page: Any) -> None:
    page.get_by_role("button", name="Find what sounds").first.click()
    page.get_by_text("There is no picture").wait_for()


def test_two_methods_stand_side_by_side(page: Any, clip: tuple[Path, Path]) -> None:
    for number in (1, 0):
        upload(page, number, clip[number])
    page.get_by_text("0:02").first.wait_for()
    page.get_by_label("Beside it").click()
    page.get_by_role("option", name="demo").click()
    page.get_by_role("button", name="Find what sounds").first.click()
    page.get_by_text("hears its own: confidence").nth(1).wait_for()


def test_a_video_comes_back_as_a_video(page: Any, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Video").click()
    upload(page, -1, save_video(tmp_path / "clip.mp4", frames=25))
    page.get_by_role("button", name="Find what sounds").click()
    page.locator("video").nth(1).wait_for()


def test_a_finished_run_is_shown_as_its_report(page: Any) -> None:
    page.get_by_role("tab", name="Runs").click()
    page.get_by_label("Finished runs in").click()
    page.get_by_role("option", name="first").click()
    page.frame_locator("iframe").get_by_role("heading", name="souple on tiny").first.wait_for()


def test_serves_no_file_but_its_own(url: str) -> None:
    for path in ("/etc/passwd", str(Path(__file__))):
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{url}gradio_api/file={path}")
        assert refused.value.code in (403, 404)


def test_answers_fifty_at_once(url: str) -> None:
    def status(_: int) -> int:
        with urlopen(url) as answer:
            return int(answer.status)

    with ThreadPoolExecutor(50) as pool:
        assert [*pool.map(status, range(50))] == [200] * 50
