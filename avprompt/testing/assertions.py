"""What several checks assert, each with the promise that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec

import torch
from torch import Tensor

from avprompt.errors import PluginError
from avprompt.model.outputs import image_features
from avprompt.model.parts import Backbone
from avprompt.promises import INTERFACES, check_attributes, check_class
from avprompt.records import ImageFeatures

Arguments = ParamSpec("Arguments")


def checks(kind: str) -> Callable[[Callable[Arguments, None]], Callable[Arguments, None]]:
    """Make a function the check of a kind: it takes such a part first, and ends in assertions."""
    noun = INTERFACES[kind].partition(":")[2]

    def decorate(check: Callable[Arguments, None]) -> Callable[Arguments, None]:
        @wraps(check)
        def asserting(*arguments: Arguments.args, **options: Arguments.kwargs) -> None:
            part: Any = arguments[0]
            assert not isinstance(part, type), f"build the {noun} first: {check.__name__} takes an instance"
            try:
                check_class(f"{type(part).__name__}, a {noun},", type(part), kind)
                check_attributes(part)
                check(*arguments, **options)
            except PluginError as error:
                raise AssertionError(str(error)) from error

        return asserting

    return decorate


def assert_shape(what: str, shape: Iterable[int], expected: tuple[int, ...]) -> None:
    """Assert that a shape is the promised one."""
    sizes = tuple(shape)
    assert sizes == expected, f"{what}: expected {expected}, got {sizes}"


def assert_finite(promise: str, *outputs: Tensor) -> None:
    """Assert that outputs hold neither NaN nor infinity."""
    assert all(bool(output.isfinite().all()) for output in outputs), promise


def assert_gradient(promise: str, output: Tensor, source: Tensor) -> Tensor:
    """Assert that a gradient goes from an output to what it was made of, and return it."""
    gradient = None
    if output.requires_grad:
        (gradient,) = torch.autograd.grad(output.sum(), source, retain_graph=True, allow_unused=True)
    if gradient is None or (gradient == 0).all():
        raise AssertionError(promise)
    return gradient


def assert_close(promise: str, output: Tensor, expected: Tensor, tolerance: float | None = None) -> None:
    """Assert that two outputs are equal but for rounding, in torch's tolerance unless another is given."""
    torch.testing.assert_close(
        output, expected, atol=tolerance, rtol=tolerance, msg=lambda details: f"{promise}: {details}"
    )


def assert_all_train(part: torch.nn.Module, output: Tensor) -> None:
    """Assert that every trained parameter gets a gradient from an output."""
    named = [(name, parameter) for name, parameter in part.named_parameters() if parameter.requires_grad]
    if not named:
        return
    assert output.requires_grad, f"'{named[0][0]}' gets no gradient: the output does not depend on it"
    gradients = torch.autograd.grad(output.square().sum(), [p for _, p in named], allow_unused=True)
    for (name, _), gradient in zip(named, gradients, strict=True):
        assert gradient is not None, f"'{name}' gets no gradient"


def random_features(backbone: Backbone, images: int) -> ImageFeatures:
    """Return the features of random images."""
    side = backbone.image_size
    with torch.no_grad():
        return image_features(backbone, torch.randn(images, 3, side, side))
