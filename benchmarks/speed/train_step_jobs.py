"""The jobs of `train_step.py`, each run in a process of its own, with a request in JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from measuring import median_seconds, peak_gib, seconds, set_up
from multiply_adds import count_step
from published_schedule import published_terms
from safetensors.torch import load_file, save_file
from torch import Tensor
from workload import SECONDS, draw_clips, loss_terms, make_method, write_checkpoints

from avprompt.model.method import Method

LOSS_TOLERANCE = 1e-4
WHOLE_TOLERANCE = 5e-2
EACH_TOLERANCE = 1e-4
SMALLEST = 1e-3
"""Shorter gradients, as a share of the whole's length, count as this long: a key bias has none at all."""

Tensors = dict[str, Tensor]


def main(request: dict[str, Any]) -> Any:
    """Do the job that the request names."""
    device = set_up(request["threads"], request["device"])
    if request["job"] == "write":
        write_checkpoints(request["size"], Path(request["folder"]))
        return device
    folder, settings = Path(request["folder"]), request.get("settings", ())
    method = make_method(request["method"], request["size"], folder, device, settings)
    if request["job"] == "exact":
        return exact(method, request, device)
    if request["job"] == "profile":
        return profile(steps(method, request, device)["ours"], device)
    return measure(method, request, device)


def measure(method: Method, request: dict[str, Any], device: str) -> dict[str, Any]:
    """Time one variant; compare the losses and gradients of its first step with those of ours."""
    name, path = request["job"], Path(request["scratch"]) / "ours.safetensors"
    step = steps(method, request, device)[name]
    first, agreement = backward(method, step), {}
    if name == "ours":
        save_file(first, path)
    else:
        agreement = compare(load_file(path, device), first)
    taken = [seconds(lambda: backward(method, step), device) for _ in range(request["repeats"])]
    counts = count_step(method, SECONDS[request["size"]])
    batch = request["batch"]
    multiply_adds = {"ours": counts.ours(batch), "cached": counts.ours(batch, cached=True)}
    return {
        "seconds": median(taken),
        "peak_gib": peak_gib(device),
        "multiply_adds": multiply_adds.get(name, counts.published(batch)),
        "rate": matmul_rate(request["size"], batch, request["repeats"], device),
        **agreement,
    }


def steps(
    method: Method, request: dict[str, Any], device: str, dtype: torch.dtype = torch.float32
) -> dict[str, Callable[[], Tensors]]:
    """Return what computes the losses, by the name of the variant."""
    clips = draw_clips(method, request["size"], request["batch"], device, dtype)
    frames = method.encode_audio(clips.waveform) if request["job"] == "cached" else None
    return {
        "ours": lambda: loss_terms(method, clips),
        "cached": lambda: loss_terms(method, clips, frames),
        "published": lambda: published_terms(method, clips.pixels, clips.waveform, clips.noise),
    }


def backward(method: Method, step: Callable[[], Tensors]) -> Tensors:
    """Make one step; return each loss as `loss.NAME`, and the gradient of every trained parameter."""
    method.zero_grad(set_to_none=True)
    torch.manual_seed(2)  # of dropout
    terms = step()
    terms["total"].backward()
    gradients = {
        name: parameter.grad for name, parameter in method.named_parameters() if parameter.grad is not None
    }
    return {f"loss.{name}": value.detach() for name, value in terms.items()} | gradients


def exact(method: Method, request: dict[str, Any], device: str) -> dict[str, float]:
    """Compare with towers and decoder in float64, where no rounding hides a difference.

    In float32 the gradients of either schedule are further from these than the two are from each other.
    """
    method.double()
    by_schedule = steps(method, request, device, torch.float64)
    ours, published = (backward(method, by_schedule[name]) for name in ("ours", "published"))
    return compare(ours, published, exactly=True)


def compare(ours: Tensors, other: Tensors, *, exactly: bool = False) -> dict[str, float]:
    """Return the largest difference of a loss, and those of the whole gradient and of one parameter's.

    Differences of losses are absolute, or relative above 1; those of gradients are shares of their length.

    Raises:
        AssertionError: they are too large; the gradient of each parameter is looked at only `exactly`.
    """
    assert ours.keys() == other.keys(), ours.keys() ^ other.keys()
    apart = {name: (ours[name] - other[name]).norm() for name in ours}
    losses = [name for name in ours if name.startswith("loss.")]
    gradients = [name for name in ours if name not in losses]
    whole = torch.stack([ours[name].norm() for name in gradients]).norm()
    differences = {
        "loss_difference": max(apart[name] / ours[name].abs().clamp_min(1) for name in losses),
        "gradient_difference": torch.stack([apart[name] for name in gradients]).norm() / whole,
        "each_difference": max(
            apart[name] / ours[name].norm().clamp_min(SMALLEST * whole) for name in gradients
        ),
    }
    limits = {"loss_difference": LOSS_TOLERANCE, "gradient_difference": WHOLE_TOLERANCE}
    for name, limit in (limits | ({"each_difference": EACH_TOLERANCE} if exactly else {})).items():
        assert differences[name] <= limit, f"{name} is {float(differences[name]):.1e}, more than {limit:.0e}"
    return {name: float(value) for name, value in differences.items()}


def matmul_rate(size: str, batch: int, repeats: int, device: str) -> float:
    """Return multiply-adds a second in the products of a vision block: four square maps and the MLP."""
    rows, width, hidden = {
        "published": (485 * batch, 768, 3072),
        "small": (17 * batch, 32, 64),
        "mini": (65 * batch, 96, 384),
    }[size]
    square, wide, back = (
        torch.randn(shape, device=device) for shape in ((width, width), (hidden, width), (width, hidden))
    )
    narrow_in, wide_in = (torch.randn(rows, columns, device=device) for columns in (width, hidden))

    def block() -> None:
        for weight in (square, square, square, square, wide):
            torch.nn.functional.linear(narrow_in, weight)
        torch.nn.functional.linear(wide_in, back)

    work = rows * (4 * width * width + 2 * width * hidden)
    return work / median_seconds(block, max(repeats, 10), device)


def profile(step: Callable[[], Tensors], device: str, top: int = 25) -> dict[str, Any]:
    """Return the operators of a step with their own time, the slowest first."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    step()["total"].backward()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
    with profiler(activities=activities) as recorded:
        step()["total"].backward()
    own = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    events = sorted(recorded.key_averages(), key=lambda event: -getattr(event, own))
    total = sum(getattr(event, own) for event in events)
    operators = [
        {
            "operator": event.key,
            "calls": event.count,
            "seconds": getattr(event, own) / 1e6,
            "share": 100 * getattr(event, own) / total,
        }
        for event in events[:top]
    ]
    return {"device": device, "operators": operators}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
