"""One job of `people.py`: write a video or draw it, with a request in JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from evaluate import input_spec
from measuring import peak_gib
from workload import make_method, write_checkpoints

from avprompt.localization.localizer import Localizer

RATE = 44_100


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Do the job that is asked for."""
    width, height = request["size"]
    video = Path(request["folder"]) / f"{width}x{height}-{request['seconds']:g}s-{request['rate']}.mp4"
    if request["job"] == "draw":
        return draw(request, video)
    if not video.exists():
        write(video, width, height, request["seconds"], request["rate"])
    return {}


def write(path: Path, width: int, height: int, seconds: float, rate: int) -> None:
    """Write a video in which a bright disc moves over noise, with a tone that rises and falls."""
    draw = np.random.default_rng(0)
    ground = draw.integers(40, 120, (height, width, 3), dtype=np.uint8)
    side = height // 4
    with av.open(path, "w") as container:
        pictures = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        sound = container.add_stream("aac", rate=RATE, layout="stereo")
        for number in range(round(seconds * rate)):
            image = ground.copy()
            left = round((width - side) * (0.5 + 0.5 * np.sin(number / rate)))
            image[height // 3 : height // 3 + side, left : left + side] = (230, 200, 60)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            if number % rate == 0:
                time_of = (np.arange(RATE) + number // rate * RATE) / RATE
                wave = 0.3 * np.sin(2 * np.pi * (400 * time_of + 50 * np.sin(time_of)))
                frame = av.AudioFrame.from_ndarray(
                    np.stack([wave, wave]).astype(np.float32), "fltp", "stereo"
                )
                frame.sample_rate, frame.pts = RATE, number // rate * RATE
                frame.time_base = Fraction(1, RATE)
                container.mux(sound.encode(frame))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))


def draw(request: dict[str, Any], video: Path) -> dict[str, Any]:
    """Draw a video; tell seconds, processor time, that of the encoders among it, and peak memory."""
    folder, size = Path(request["folder"]), request["encoders"]
    torch.set_num_threads(request["threads"])
    write_checkpoints(size, folder)
    method = make_method("souple", size, folder).eval()
    spent: list[float] = []
    for name in ("encode_image", "encode_audio"):
        setattr(method, name, timed(getattr(method, name), spent))
    localizer = Localizer(method, input_spec(method, size))
    began, cpu = time.perf_counter(), time.process_time()
    localizer.draw_video(video, folder / "drawn.mp4", fps=request["fps"])
    return {
        "pictures": round(request["seconds"] * request["rate"]),
        "maps": len(spent) // 2,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "encoders": sum(spent),
        "peak_gib": peak_gib(),
    }


def timed(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    """Return a function that notes the processor time of each call."""

    def call(*arguments: Any) -> Any:
        began = time.process_time()
        result = function(*arguments)
        spent.append(time.process_time() - began)
        return result

    return call


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
