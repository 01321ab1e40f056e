"""Videos, and a data root in VGG-SS's layout, made by the tests that need them."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
from PIL import Image

RATE, SECONDS = 16_000, 10.0
IDS = ("clip00aaaaa_000001", "clip00bbbbb_000020", "clip00ccccc_000300", "clip00ddddd_004000")


def save_video(
    path: Path,
    frames: int = 150,
    sound: bool = True,
    start: float = 0.0,
    sound_start: float | None = None,
    heard: np.ndarray | None = None,
) -> Path:
    """Write a video of 25 frames a second, dark but for a flash at frame 125, and a tone as long.

    Args:
        path: its suffix says the container.
        frames: how many there are.
        sound: whether there is any.
        start: when the first picture is shown on the clock of the file, seconds.
        sound_start: when the sound begins on that clock; with the picture unless given.
        heard: (T,) instead of the tone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w") as container:
        pictures = container.add_stream("mpeg4", rate=25, width=64, height=48, pix_fmt="yuv420p")
        sounds = container.add_stream("aac", rate=RATE, layout="mono") if sound else None
        for k in range(frames):
            grey = np.full((48, 64, 3), 220 if k == 125 else 30, dtype=np.uint8)
            picture = av.VideoFrame.from_ndarray(grey, format="rgb24")
            picture.pts, picture.time_base = round(25 * start) + k, Fraction(1, 25)
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
        if sounds is not None:
            samples = tone(frames / 25) if heard is None else heard
            frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], "fltp", "mono")
            begin = start if sound_start is None else sound_start
            frame.sample_rate, frame.pts, frame.time_base = RATE, round(RATE * begin), Fraction(1, RATE)
            container.mux(sounds.encode(frame))
            container.mux(sounds.encode(None))
    return path


def show_as(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write the display matrix of an mp4: what was at (x, y) is shown at (ax + cy, bx + dy)."""
    content, one = bytearray(path.read_bytes()), 1 << 16
    place = content.index(b"tkhd") + 4 + 40
    a, b, c, d = (one * value for value in matrix)
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def save_clip(
    path: Path,
    times: Sequence[float] = tuple(k / 10 for k in range(10)),
    size: tuple[int, int] = (96, 64),
    sound: np.ndarray | None = None,
    rate: int = RATE,
    pixels: Fraction | None = None,
    show: np.ndarray | None = None,
) -> Path:
    """Write a video whose picture k is grey of level 20 + 10 * k, bright in the upper left quarter.

    Args:
        path: its suffix says the container.
        times: when each picture is shown, seconds; whole milliseconds.
        size: (width, height).
        sound: (channels, T) in -1..1; none unless given.
        rate: of the sound.
        pixels: width of a pixel over its height, if it is not square.
        show: (H, W, 3) uint8, all the time instead.
    """
    width, height = size if show is None else (show.shape[1], show.shape[0])
    with av.open(path, "w") as container:
        pictures = container.add_stream("mpeg4", rate=10, width=width, height=height, pix_fmt="yuv420p")
        pictures.codec_context.time_base = Fraction(1, 1000)
        pictures.codec_context.bit_rate = 2_000_000
        if pixels is not None:
            pictures.codec_context.sample_aspect_ratio = pixels
        layout = "mono" if sound is None or len(sound) == 1 else "stereo"
        sounds = None if sound is None else container.add_stream("aac", rate=rate, layout=layout)
        for k, time in enumerate(times):
            grey = np.full((height, width, 3), 20 + 10 * k, np.uint8)
            grey[: height // 2, : width // 2] = 235
            picture = av.VideoFrame.from_ndarray(grey if show is None else show, format="rgb24")
            picture.pts, picture.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
        if sounds is not None:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound, np.float32), "fltp", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            container.mux(sounds.encode(frame))
            container.mux(sounds.encode(None))
    return path


def tone(seconds: float, pitch: float = 440.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * pitch * time).astype(np.float32)


def save_picture(path: Path, size: tuple[int, int] = (64, 48), seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)


def save_sound(path: Path, seconds: float = SECONDS, rate: int = RATE, pitch: float = 440.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(seconds, pitch, rate), rate)


def save_vggss(root: Path, ids: Sequence[str] = IDS) -> Path:
    """Write a whole data root: annotation, test list, frames and sounds."""
    for k, name in enumerate(ids):
        save_picture(root / "frames" / f"{name}.jpg", seed=k)
        save_sound(root / "audio" / f"{name}.wav", pitch=200 + 100 * k)
    annotate(root, {name: [[0.25, 0.25, 0.75, 0.5]] for name in ids})
    (root / "vggss_test.csv").write_text("".join(f"{name},a tone\n" for name in ids))
    return root


def annotate(root: Path, boxes: dict[str, list[list[float]]]) -> None:
    """Write vggss.json."""
    entries = [{"file": name, "class": "a tone", "bbox": every} for name, every in boxes.items()]
    (root / "vggss.json").write_text(json.dumps(entries))
