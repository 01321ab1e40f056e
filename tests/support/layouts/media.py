"""Pictures, masks, sounds and videos, as small as they can be."""

from __future__ import annotations

import zlib
from pathlib import Path

import av
import numpy as np
import soundfile
from PIL import Image

SIDE = 64


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE)) -> Path:
    """A picture of noise; `size` is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(zlib.crc32(path.name.encode())).integers(
        0, 256, (size[1], size[0], 3), dtype=np.uint8
    )
    Image.fromarray(noise).convert(mode).save(path)
    return path


def mask(path: Path, box: tuple[int, int, int, int] | None, value: int = 255, mode: str = "L") -> Path:
    """A 224 x 224 mask with one filled box, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((224, 224), dtype=np.uint8)
    if box is not None:
        left, top, right, bottom = box
        values[top:bottom, left:right] = value
    image = Image.fromarray(values)
    if mode == "P":
        image.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30])
    image.save(path)
    return path


def sound(path: Path, rate: int = 16000, channels: int = 1, seconds: float = 1.0) -> Path:
    """A tone whose pitch depends on the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(rate * seconds)) / rate
    tone = 0.5 * np.sin(2 * np.pi * (200 + zlib.crc32(path.stem.encode()) % 2000) * time)
    soundfile.write(path, np.stack([tone] * channels, axis=1), rate)
    return path


def video(path: Path, frames: int = 25, rate: int = 25, size: tuple[int, int] = (SIDE, SIDE)) -> Path:
    """A video that brightens by 4 with every frame, and a tone of the same length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w") as container:
        pictures = container.add_stream("mpeg4", rate=rate)
        pictures.width, pictures.height, pictures.pix_fmt = *size, "yuv420p"
        pictures.bit_rate = 2_000_000
        tones = container.add_stream("aac", rate=16000, layout="mono")
        for index in range(frames):
            shade = np.full((size[1], size[0], 3), 4 * index, dtype=np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(shade, format="rgb24")))
        container.mux(pictures.encode())
        samples = 0.5 * np.sin(np.arange(16000 * frames // rate) / 8)[None].astype(np.float32)
        tone = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        tone.sample_rate = 16000
        container.mux(tones.encode(tone))
        container.mux(tones.encode())
    return path
