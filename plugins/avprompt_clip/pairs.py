"""Decoding every image of a batch with every text of it, within a budget of memory."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from avprompt.model.chunks import rows_at_once
from avprompt_clip.decoder import ClipSegNetwork

GIB = 2**30


def decode_pairs(network: ClipSegNetwork, reduced: tuple[Tensor, ...], text: Tensor, memory: float) -> Tensor:
    """Decode every image with every text.

    Pairs that do not fit into the budget at once are decoded in chunks. Where gradients are wanted, each
    chunk then keeps nothing and is decoded a second time on the way back: the same result, later.

    Args:
        network: the decoder.
        reduced: `prepare`d maps of B images, each (B, tokens, R).
        text: (B_audio, D), read with every image, or (B, B_audio, D), its own for every pair.
        memory: what the activations of decoded pairs may take, GiB; at least one pair is decoded at once.

    Returns:
        (B, B_audio, H, W) logits.
    """
    images = len(reduced[0])
    text = text.expand(images, -1, -1)  # (B, B_audio, D)
    owner = torch.arange(images, device=text.device).repeat_interleave(text.shape[1])
    chunk = pairs_that_fit(network, reduced[0], memory)
    decode = partial(_decode, network)
    if torch.is_grad_enabled() and chunk < len(owner):
        decode = partial(checkpoint, decode, use_reentrant=False)
    chunk = rows_at_once(min(chunk, len(owner)), network.widest(reduced[0].shape[1]), text.device)
    chunks = zip(torch.split(owner, chunk), torch.split(text.flatten(0, 1), chunk), strict=True)
    logits: Tensor = torch.cat([decode(reduced, rows, texts) for rows, texts in chunks]).unflatten(
        0, (images, -1)
    )
    return logits


def pairs_that_fit(network: ClipSegNetwork, reduced: Tensor, memory: float) -> int:
    """Return how many pairs with maps like `reduced` (B, tokens, R) may be decoded at once."""
    tokens = reduced.shape[1]
    numbers = network.kept(tokens) if torch.is_grad_enabled() else network.alive(tokens)
    return max(1, int(memory * GIB / (numbers * reduced.element_size())))


def _decode(network: ClipSegNetwork, reduced: tuple[Tensor, ...], rows: Tensor, texts: Tensor) -> Tensor:
    return network.decode(tuple(state[rows] for state in reduced), texts)
