"""The miniature CLIP: both towers, in the one size that is shipped."""

from __future__ import annotations

from typing import Any

from torch import nn

from avprompt_mini.text import TextTower
from avprompt_mini.vision import STRIDES, ImageTower
from avprompt_mini.vocabulary import WORDS

IMAGE_SIZE = 96
PATCH_SIZE = STRIDES[0] * STRIDES[1] * STRIDES[2]
WIDTH = 96
JOINT_WIDTH = 128
EXTRACT = (1, 2, 4)
POSITIONS = 24  # <sos>, 16 context tokens, 4 audio tokens, <eos>, and two to spare
MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)

DECODER: dict[str, Any] = {"reduce_dim": 32, "heads": 2, "intermediate": 64, "complex_transposed": True}


class MiniClip(nn.Module):
    """An image tower and a text tower with one joint space of 128 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.image = ImageTower(IMAGE_SIZE, WIDTH, JOINT_WIDTH, blocks=4, heads=3, extract=EXTRACT)
        self.text = TextTower(len(WORDS), POSITIONS, WIDTH, JOINT_WIDTH, blocks=3, heads=3)
