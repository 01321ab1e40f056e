"""What `avprompt localize` takes for a video: time, as a multiple of what its encoders take, and memory.

Writes videos with PyAV, moving pictures with a changing tone, and draws each in a process of its own; the
decoder, the drawing and the H.264 encoder are what comes on top of the encoders.

    python benchmarks/speed/people.py [--videos half-hour 4k five-minutes] [--sizes mini published]
        [--rate 30] [--share 1] [--threads 2] [--folder DIR] [--json]

`--rate` is pictures a second in the videos; `--share 0.1` cuts them to a tenth of their length.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from measuring import machine, options, report, run_job, tell

VIDEOS: dict[str, dict[str, Any]] = {
    "half-hour": {"size": (640, 360), "seconds": 1800, "fps": 1},
    "4k": {"size": (3840, 2160), "seconds": 10, "fps": 4},
    "five-minutes": {"size": (1920, 1080), "seconds": 300, "fps": 4},
}
"""Size, length, and maps a second."""


def main() -> None:
    """Draw every video with every size of encoders."""
    parser = options(__doc__)
    parser.add_argument("--videos", nargs="+", choices=VIDEOS, default=[*VIDEOS])
    parser.add_argument("--sizes", nargs="+", choices=("published", "small", "mini"), default=["mini"])
    parser.add_argument("--rate", type=int, default=30, help="pictures a second")
    parser.add_argument("--share", type=float, default=1.0, help="of the videos' length")
    parser.add_argument("--folder", type=Path, help="keep videos and random checkpoints here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        rows = [
            measure(name, size, folder, arguments) for name in arguments.videos for size in arguments.sizes
        ]
    report(
        "Drawing videos",
        [
            "Video",
            "Encoders",
            "Pictures",
            "Maps",
            "Seconds",
            "CPU, s",
            "Encoders, CPU s",
            "Multiple",
            "Peak GiB",
        ],
        rows,
        caption=machine(arguments.threads),
        as_json=arguments.json,
    )


def measure(name: str, size: str, folder: Path, arguments: argparse.Namespace) -> list[Any]:
    """Draw one video in a process of its own; return a row."""
    kind = VIDEOS[name]
    seconds = kind["seconds"] * arguments.share
    request = {
        **kind,
        "seconds": seconds,
        "rate": arguments.rate,
        "encoders": size,
        "folder": str(folder),
        "threads": arguments.threads,
    }
    tell(f"{name}: {seconds:g} s, {size} encoders")
    run_job("people_jobs.py", {**request, "job": "write"})  # apart, for its memory does not count
    drawn = run_job("people_jobs.py", {**request, "job": "draw"})
    multiple = drawn["cpu"] / drawn["encoders"]
    pixels = " x ".join(map(str, kind["size"]))
    shown = f"{pixels}, {seconds:g} s"
    figures = (drawn["pictures"], drawn["maps"], drawn["seconds"], drawn["cpu"], drawn["encoders"], multiple)
    return [shown, size, *figures, drawn["peak_gib"]]


if __name__ == "__main__":
    main()
