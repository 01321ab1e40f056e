"""A label predictor for the miniature BEATs: the nearest of the classes' prototypes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from avprompt_beats.model import Beats
from avprompt_beats.predictor import Predictor
from avprompt_benchmarks.toy.classes import CLASSES, NAMES
from avprompt_mini.pretraining.sounds import SoundPool

LABELS = NAMES


@torch.no_grad()
def prototypes(beats: Beats, pool: SoundPool) -> Predictor:
    """Return the predictor whose logits are cosines with each class's prototype, times the frame's length.

    A prototype is the mean over a class's sounds of their mean frame in the last layer, of length 1.

    Args:
        beats: pretrained.
        pool: sounds of single objects, some of every class.
    """
    frames, kinds = _mean_frames(beats, pool), pool.sounding.int().argmax(1)
    means = torch.stack([frames[kinds == kind].mean(0) for kind in CLASSES])
    predictor = Predictor(means.shape[1], len(CLASSES))
    predictor.weight.copy_(F.normalize(means, dim=1))
    return predictor


@torch.no_grad()
def accuracy(beats: Beats, predictor: Predictor, pool: SoundPool) -> float:
    """Return the share of sounds, percent, whose class has the highest logit."""
    named = predictor(_mean_frames(beats, pool).unsqueeze(1)).argmax(1)
    return 100 * pool.sounding[torch.arange(len(pool)), named].float().mean().item()


def _mean_frames(beats: Beats, pool: SoundPool) -> Tensor:
    """Return the mean frame (n, W) of each sound in the last layer."""
    parts = torch.split(pool.banks, 100)
    return torch.cat([beats.encoder(beats.embed(banks.float()))[-1].mean(1) for banks in parts])
