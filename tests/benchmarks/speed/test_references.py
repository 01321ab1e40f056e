"""The references are right: the published schedule gives our numbers, and the count is PyTorch's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from avprompt.model.method import Method

METHODS = ("souple", "souple-cross", "acl-ssl")
SIZES = ("small", "mini")
CLIPS = 3


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from workload import write_checkpoints

    folders = {size: tmp_path_factory.mktemp(size) for size in SIZES}
    for size, folder in folders.items():
        write_checkpoints(size, folder)
    return folders


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", METHODS)
def test_the_published_schedule_gives_the_same_losses_and_gradients(
    name: str, size: str, folders: dict[str, Path]
) -> None:
    from train_step_jobs import backward, compare, steps
    from workload import make_method

    method = make_method(name, size, folders[size]).double()  # type: ignore[arg-type]
    request = {"size": size, "batch": CLIPS, "job": "cached"}
    ways = steps(method, request, "cpu", torch.float64)
    ours = backward(method, ways["ours"])
    assert {name.removeprefix("loss.") for name in ours} >= {*method.losses, "total"}
    assert any(name.startswith("projection.") for name in ours)
    for other in ("cached", "published"):
        compare(ours, backward(method, ways[other]), exactly=True)


def test_a_difference_is_found(folders: dict[str, Path]) -> None:
    from train_step_jobs import backward, compare, steps
    from workload import make_method

    method = make_method("souple", "mini", folders["mini"])
    request = {"size": "mini", "batch": CLIPS, "job": "ours"}
    ours = backward(method, steps(method, request, "cpu")["ours"])
    with pytest.raises(AssertionError, match="loss_difference"):
        compare(ours, ours | {"loss.area": ours["loss.area"] + 1e-3})
    with pytest.raises(AssertionError, match="gradient_difference"):
        compare(ours, ours | {"projection.expand.weight": -ours["projection.expand.weight"]})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", METHODS)
def test_multiply_adds_are_those_that_pytorch_counts(name: str, size: str, folders: dict[str, Path]) -> None:
    from multiply_adds import count_step
    from published_schedule import published_terms
    from workload import SECONDS, draw_clips, loss_terms, make_method

    method = make_method(name, size, folders[size])  # type: ignore[arg-type]
    count = count_step(method, SECONDS[size])  # type: ignore[index]
    for clips in (2, CLIPS):
        drawn = draw_clips(method, size, clips)  # type: ignore[arg-type]
        ours = counted(lambda drawn=drawn: loss_terms(method, drawn))
        assert ours == count.ours(clips)
        published = counted(
            lambda drawn=drawn: published_terms(method, drawn.pixels, drawn.waveform, drawn.noise)
        )
        # The reference averages masked features without a matrix product, which nobody counts.
        assert published == pytest.approx(count.published(clips), rel=2e-3)


def counted(losses: Callable[[], dict[str, torch.Tensor]]) -> int:
    """Return the multiply-adds of a step; attention is taken apart, for its kernels count a pass more."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        losses()["total"].backward()
    return counter.get_total_flops() // 2


def test_published_sizes_are_predicted_to_gain_what_the_schedule_wastes(tmp_path: Path) -> None:
    from multiply_adds import count_step
    from official import write_clipseg_config

    count = count_step(_published(tmp_path, write_clipseg_config), seconds=10)
    ratio = {clips: count.published(clips) / count.ours(clips) for clips in (8, 16)}
    cached = {clips: count.published(clips) / count.ours(clips, cached=True) for clips in (8, 16)}
    assert ratio == pytest.approx({8: 2.9, 16: 4.5}, rel=0.05)
    assert cached == pytest.approx({8: 3.8, 16: 5.8}, rel=0.05)


def _published(folder: Path, write_config: Callable[[Path], object]) -> Method:
    """Return souple at published size without any weight in memory."""
    from official import CLIPSEG

    from avprompt.config.method_config import resolve
    from avprompt.model.build import build
    from avprompt.plugin.discovery import load_plugins

    write_config(folder)
    registry = load_plugins().registry
    settings = (f"backbone.checkpoint={folder / CLIPSEG}", "prompt.initialise=random")
    with torch.device("meta"):
        return build(resolve(registry, "souple", "published", settings), registry, weights=False)
