"""What is trained: the miniature CLIP, its decoder, and heads that are dropped afterwards."""

from __future__ import annotations

from torch import Tensor, nn

from avprompt_benchmarks.toy.classes import CLASSES
from avprompt_clip.decoder import ClipSegNetwork
from avprompt_mini.model import DECODER, EXTRACT, JOINT_WIDTH, PATCH_SIZE, WIDTH, MiniClip
from avprompt_mini.pretraining.batches import class_topic
from avprompt_mini.pretraining.captions import encode_captions, plain_caption


class Student(nn.Module):
    """The miniature CLIP with its decoder; auxiliary heads name what patches and images show."""

    def __init__(self) -> None:
        super().__init__()
        self.clip = MiniClip()
        self.decoder = ClipSegNetwork(WIDTH, JOINT_WIDTH, len(EXTRACT), PATCH_SIZE, **DECODER)
        self.patch_heads = nn.ModuleList(nn.Linear(WIDTH, len(CLASSES) + 1) for _ in EXTRACT)
        self.pooled_head = nn.Linear(JOINT_WIDTH, len(CLASSES))

    def name_classes(self, fold: bool = False) -> Tensor:
        """Return the text features (24, D) of "a photo of a" and each class's name."""
        return encode_captions(self.clip, [plain_caption(class_topic(kind), fold) for kind in CLASSES])


def tower_weights(student: Student) -> list[nn.Parameter]:
    """Return the matrices inside the towers' blocks, which Muon trains."""
    blocks = [*student.clip.image.blocks, *student.clip.text.blocks]
    return [p for block in blocks for p in block.parameters() if p.ndim == 2]


def other_weights(student: Student) -> list[nn.Parameter]:
    """Return every other parameter, which AdamW trains."""
    taken = {id(p) for p in tower_weights(student)}
    return [p for p in student.parameters() if id(p) not in taken]
