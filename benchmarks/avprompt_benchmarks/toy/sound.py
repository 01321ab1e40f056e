"""Sounds of the toy world: the shape of what sounds sets the timbre, its texture the rhythm.

Two seconds at 16 kHz. Pitch, phase, tempo, loudness and background noise vary freely.
"""

# NumPy's functions are typed as Any.
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from avprompt_benchmarks.toy.classes import shape_of, texture_of

RATE = 16_000
SECONDS = 2.0
LENGTH = int(RATE * SECONDS)

Generator = np.random.Generator
Wave = NDArray[np.float32]
Timbre = Callable[[Generator, Wave], Wave]
Rhythm = Callable[[Generator, Wave], Wave]

_TIME: Wave = np.arange(LENGTH, dtype=np.float32) / np.float32(RATE)
_TURN = np.float32(2 * np.pi)


def make_sound(rng: Generator, kind: int) -> Wave:
    """Return the sound of one object of a class, (32000,) float32 in -1..1."""
    return _add_room(rng, _voice(rng, kind))


def mix_sounds(rng: Generator, kinds: Sequence[int]) -> Wave:
    """Return several objects sounding at once, (32000,) float32 in -1..1."""
    mixed = np.sum([_voice(rng, kind) for kind in kinds], axis=0)
    return _add_room(rng, mixed / max(np.float32(1), abs(mixed).max()))


def make_noise(rng: Generator) -> Wave:
    """Return noise in which nothing sounds, (32000,) float32 in -1..1."""
    loudness = np.float32(rng.uniform(0.05, 0.25))
    return np.clip(rng.standard_normal(LENGTH, dtype=np.float32) * loudness, -1, 1)


def _voice(rng: Generator, kind: int) -> Wave:
    pitch = np.float32(220 * 2 ** rng.uniform(0, 1.2))
    phase = _TURN * (pitch * _TIME + np.float32(rng.random()))
    beat = _TIME * np.float32(rng.uniform(0.9, 1.15)) + np.float32(rng.random())  # seconds, stretched
    return TIMBRES[shape_of(kind)](rng, phase) * RHYTHMS[texture_of(kind)](rng, beat)


def _add_room(rng: Generator, voice: Wave) -> Wave:
    loudness, floor = np.float32(rng.uniform(0.25, 0.9)), np.float32(10 ** rng.uniform(-3.5, -1.7))
    return np.clip(voice * loudness + rng.standard_normal(LENGTH, dtype=np.float32) * floor, -1, 1)


def _flute(rng: Generator, phase: Wave) -> Wave:
    """Little but the fundamental."""
    del rng
    return np.sin(phase) * np.float32(0.9) + np.sin(phase + phase) * np.float32(0.1)


def _clarinet(rng: Generator, phase: Wave) -> Wave:
    """A square wave: odd harmonics."""
    del rng
    return np.tanh(6 * np.sin(phase)) * np.float32(0.8)


def _brass(rng: Generator, phase: Wave) -> Wave:
    """A bright sawtooth with vibrato: all harmonics."""
    wobble = np.float32(0.8) * np.sin(_TURN * np.float32(rng.uniform(5, 7)) * _TIME)
    return ((phase + wobble) / _TURN % 1 - np.float32(0.5)) * np.float32(1.4)


def _bell(rng: Generator, phase: Wave) -> Wave:
    """Inharmonic partials far above the fundamental."""
    del rng
    partials = ((1.0, 0.25), (2.76, 0.3), (5.4, 0.3), (8.93, 0.15))
    return np.sum([np.float32(a) * np.sin(np.float32(r) * phase) for r, a in partials], axis=0)


def _wind(rng: Generator, phase: Wave) -> Wave:
    """Noise around the pitch: a tone whose strength changes at random a thousand times a second."""
    steps = rng.standard_normal(LENGTH // 16 + 2, dtype=np.float32)
    blown = np.interp(np.arange(LENGTH) / 16, np.arange(len(steps)), steps).astype(np.float32)
    return np.clip(np.sin(3 * phase) * blown * np.float32(0.6), -1, 1)


def _growl(rng: Generator, phase: Wave) -> Wave:
    """Deep frequency modulation at a fraction of the pitch."""
    depth = np.float32(rng.uniform(4, 6))
    return np.sin(phase + depth * np.sin(phase * np.float32(0.19))) * np.float32(0.85)


def _steady(rng: Generator, beat: Wave) -> Wave:
    """On all the time, swelling slowly."""
    return np.float32(0.8) + np.float32(0.2) * np.sin(_TURN * np.float32(rng.uniform(0.3, 0.6)) * beat)


def _pulses(rng: Generator, beat: Wave) -> Wave:
    """Half on, half off, two and a half times a second."""
    del rng
    return _gate(beat * np.float32(2.5) % 1, 0.0, 0.5)


def _ticks(rng: Generator, beat: Wave) -> Wave:
    """Short ticks, seven a second."""
    del rng
    return _gate(beat * 7 % 1, 0.0, 0.3)


def _gallop(rng: Generator, beat: Wave) -> Wave:
    """Long, short, short, and a rest."""
    del rng
    bar = beat * np.float32(1.3) % 1
    return np.asarray(_gate(bar, 0.0, 0.42) + _gate(bar, 0.52, 0.62) + _gate(bar, 0.72, 0.82))


def _gate(x: Wave, start: float, stop: float) -> Wave:
    """One between start and stop of a cycle, with steep sides."""
    steep = np.float32(60)
    return np.clip((x - np.float32(start)) * steep, 0, 1) * np.clip((np.float32(stop) - x) * steep, 0, 1)


TIMBRES: tuple[Timbre, ...] = (_flute, _clarinet, _brass, _bell, _wind, _growl)
RHYTHMS: tuple[Rhythm, ...] = (_steady, _pulses, _ticks, _gallop)
