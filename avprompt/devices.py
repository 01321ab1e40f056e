"""Where a method computes, and how: device, precision, processes, compiled kernels."""

from __future__ import annotations

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs

from avprompt.errors import TrainingError
from avprompt.method import Method
from avprompt.ranks import launched_size

DDP = DistributedDataParallelKwargs(find_unused_parameters=True)  # methods differ in what a step reaches


def make_accelerator(device: str, precision: str) -> Accelerator:
    """Return accelerate's handle on device, precision and the processes that a launcher started.

    Args:
        device: `auto`, `cpu` or `cuda`.
        precision: `no` (float32), `bf16` or `fp16`.

    Raises:
        TrainingError: no such device here.
    """
    from accelerate.state import AcceleratorState

    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("--device cuda: PyTorch sees no CUDA device here. Use --device cpu.")
    AcceleratorState._reset_state(reset_partial_state=True)  # one process may train with several settings
    # accelerate joins processes without a GPU only when it is told that they have none.
    cpu = device == "cpu" or (launched_size() > 1 and not torch.cuda.is_available())
    return Accelerator(cpu=cpu, mixed_precision=precision, kwargs_handlers=[DDP])


def compile_kernels(method: Method, backend: str = "inductor") -> None:
    """Let `torch.compile` make kernels of what takes the time: the encoders and the decoder.

    Each is compiled when it is first used, which takes a minute or more, and again for other sizes.

    Args:
        method: changed in place; its numbers change by rounding only.
        backend: of `torch.compile`.
    """
    calls = {
        method.backbone: ("encode_image", "pool_image", "encode_prompt"),
        method.audio_encoder: ("forward",),
        method.decoder: ("forward",),
    }
    for part, names in calls.items():
        for name in names:
            setattr(part, name, torch.compile(getattr(part, name), backend=backend))
