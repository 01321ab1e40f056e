"""Weights that are no numbers: one NaN among them spoils every map that follows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor, nn

from avprompt.errors import WeightsError, listed


def not_finite(part: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the tensors of a part's state that hold NaN or infinity.

    Buffers may hold infinity, as the masks of attention do.
    """
    parameters = {name for name, _ in part.named_parameters(remove_duplicate=False)}  # some are tied
    return [name for name, tensor in state.items() if _spoilt(tensor, infinity=name not in parameters)]


def check_weights(part: nn.Module, where: str, files: Collection[str]) -> None:
    """Make sure that the weights of a part are numbers.

    Args:
        part: with weights read.
        where: it stands in the method, and what it is called.
        files: that its weights were read from, where that is known.

    Raises:
        WeightsError: a tensor holds NaN or infinity; names it, and the files.
    """
    if names := not_finite(part, part.state_dict()):
        source = f" (from {', '.join(sorted(files))})" if files else ""
        raise WeightsError(
            f"The weights of the {where}{source} hold NaN or infinity in {listed(names)}. "
            "Get them again, or name others; `avprompt weights verify` checks what was fetched."
        )


def _spoilt(tensor: Tensor, *, infinity: bool) -> bool:
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return False
    return bool(tensor.isnan().any()) or not (infinity or bool(tensor.isfinite().all()))
