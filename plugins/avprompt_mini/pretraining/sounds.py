"""A pool of spectrograms of toy sounds in memory: single objects, mixtures of two, and noise."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avprompt_beats.model import spectrogram
from avprompt_benchmarks.toy.classes import CLASSES
from avprompt_benchmarks.toy.seeds import generator
from avprompt_benchmarks.toy.sound import make_noise, mix_sounds

_CHUNK = 250
_SOURCES, _SHARES = (0, 1, 2), (0.04, 0.8, 0.16)  # how many objects sound, and how often


@dataclass(frozen=True)
class SoundPool:
    """Normalised filterbanks (n, frames, 128) float16 and which classes sound (n, 24) bool."""

    banks: Tensor
    sounding: Tensor

    def __len__(self) -> int:
        return len(self.banks)


def draw_sounds(stream: str, count: int, workers: int = 2, single: bool = False) -> SoundPool:
    """Draw `count` sounds, the same ones every time; with `single` every one of one object."""
    spans = [(stream, start, min(start + _CHUNK, count), single) for start in range(0, count, _CHUNK)]
    with ProcessPoolExecutor(workers) as executor:
        chunks = list(executor.map(_draw_span, spans))
    banks, sounding = (torch.from_numpy(np.concatenate(column)) for column in zip(*chunks, strict=True))
    return SoundPool(banks, sounding)


def _draw_span(span: tuple[str, int, int, bool]) -> tuple[np.ndarray, np.ndarray]:
    torch.set_num_threads(1)
    stream, start, stop, single = span
    waves, sounding = zip(*(_draw(stream, index, single) for index in range(start, stop)), strict=True)
    banks = spectrogram(torch.from_numpy(np.stack(waves)))  # (n, frames, 128)
    return banks.half().numpy(), np.stack(sounding)


def _draw(stream: str, index: int, single: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = generator(0, stream, index)
    sources = 1 if single else int(rng.choice(_SOURCES, p=_SHARES))
    kinds = rng.permutation(len(CLASSES))[:sources]
    wave = mix_sounds(rng, kinds.tolist()) if sources else make_noise(rng)
    return wave, np.isin(CLASSES, kinds)
