"""Pretrains the miniature encoders and writes their weights: `python -m avprompt_mini.pretrain`.

Seeds are fixed, so the same torch build on the same kind of machine gives the same weights; another
build gives other bits of about the same quality. The image side takes about 40 minutes, the sound side 4 and
its tagger 1 on one CPU core. `weights/pretraining.log` is what the run printed that made the shipped weights,
`weights/quality.json` what they are worth.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict

import torch

from avprompt_beats.model import Beats
from avprompt_mini.pretraining import audio, packaging, tagger, vision
from avprompt_mini.pretraining.pool import draw_pool
from avprompt_mini.pretraining.quality import measure
from avprompt_mini.pretraining.sounds import draw_sounds
from avprompt_mini.pretraining.student import Student

SCENES, HELD_OUT_SCENES = 12_000, 512
SOUNDS, TAGGED_SOUNDS, HELD_OUT_SOUNDS = 6_000, 2_400, 600


def pretrain_vision(recipe: vision.Recipe) -> None:
    """Train both CLIP towers and the mask decoder, and write them."""
    pool = draw_pool("pretraining", SCENES)
    torch.manual_seed(0)
    student, start = Student(), time.monotonic()
    vision.train(student, pool, recipe, _progress(start))
    seconds = round(time.monotonic() - start)
    write_vision(student, {"steps": recipe.steps, "seconds": seconds, "recipe": asdict(recipe)})


def write_vision(student: Student, facts: dict[str, object]) -> None:
    """Write both CLIP towers and the decoder, and what they are worth in half precision."""
    student.half().float()
    packaging.write_module(student.clip, "clip.safetensors")
    packaging.write_module(student.decoder, "decoder.safetensors")
    held_out = draw_pool("held-out", HELD_OUT_SCENES, fewest=2)
    packaging.record("vision", {**measure(student, held_out), **facts})


def pretrain_audio(recipe: audio.AudioRecipe) -> None:
    """Train the miniature BEATs and write it with a tagger."""
    pool = draw_sounds("pretraining sounds", SOUNDS)
    torch.manual_seed(0)
    listener, start = audio.Listener(), time.monotonic()
    audio.train(listener, pool, recipe, _progress(start))
    seconds = round(time.monotonic() - start)
    write_audio(listener, {"steps": recipe.steps, "seconds": seconds, "recipe": asdict(recipe)})


def write_audio(listener: audio.Listener, facts: dict[str, object]) -> None:
    """Write the miniature BEATs with a tagger, and how well its classifier hears in half precision."""
    listener.half().float()
    add_tagger(listener.beats.eval())
    heard = audio.accuracy(listener, draw_sounds("held-out sounds", HELD_OUT_SOUNDS, single=True))
    packaging.record("audio", {"class_accuracy": round(heard, 1), **facts})


def add_tagger(beats: Beats) -> None:
    """Write a miniature BEATs with the tagger that fits it, and how well that one hears in half precision."""
    predictor = tagger.prototypes(beats, draw_sounds("tagged sounds", TAGGED_SOUNDS, single=True))
    packaging.write_beats(beats, predictor, tagger.LABELS)
    heard = tagger.accuracy(beats, predictor, draw_sounds("held-out sounds", HELD_OUT_SOUNDS, single=True))
    packaging.record("tagger", {"class_accuracy": round(heard, 1), "sounds": TAGGED_SOUNDS})


def _progress(start: float) -> Callable[[int, dict[str, float]], None]:
    def report(step: int, terms: dict[str, float]) -> None:
        if step % 50 == 0:
            shown = "  ".join(f"{name} {value:.3f}" for name, value in terms.items())
            print(f"step {step}  {time.monotonic() - start:.0f} s  {shown}", flush=True)

    return report


def main(what: str = "all") -> None:
    """Pretrain `vision`, `audio` or `all`, or make the `tagger` anew, on one thread.

    Towers this small gain nothing from more.
    """
    torch.set_num_threads(1)
    if what in ("all", "audio"):
        pretrain_audio(audio.AudioRecipe())
    if what in ("all", "vision"):
        pretrain_vision(vision.Recipe())
    if what == "tagger":
        add_tagger(packaging.read_beats())


if __name__ == "__main__":
    main(*sys.argv[1:])
