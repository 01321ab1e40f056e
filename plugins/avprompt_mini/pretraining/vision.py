"""Joint pretraining of both CLIP towers and the mask decoder on toy scenes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avprompt_benchmarks.toy.backdrop import GROUNDS
from avprompt_benchmarks.toy.classes import CLASSES
from avprompt_mini.model import PATCH_SIZE
from avprompt_mini.pretraining.attention import plain_attention
from avprompt_mini.pretraining.batches import (
    ask,
    augment,
    class_topic,
    normalise,
    query_masks,
    single_objects,
)
from avprompt_mini.pretraining.captions import Caption, encode_captions, plain_caption, random_caption
from avprompt_mini.pretraining.losses import contrast_present, mask_loss, similarity
from avprompt_mini.pretraining.pool import Pool
from avprompt_mini.pretraining.student import Student, other_weights, tower_weights

_NO_CLASS = -100  # what cross-entropy leaves out


@dataclass(frozen=True)
class Recipe:
    """Settings of a run; the defaults made the weights that are shipped."""

    steps: int = 4000
    horizon: int = 4200  # where the rate would reach zero; below 1 % of the top it changes nothing
    batch: int = 32
    copies: int = 16
    learning_rate: float = 1.5e-3
    muon_rate: float = 8e-3
    muon_decay: float = 0.2
    warm_up: int = 150
    weight_decay: float = 0.02
    helped: float = 0.4  # share of the horizon with auxiliary heads


def train(
    student: Student, pool: Pool, recipe: Recipe, report: Callable[[int, dict[str, float]], None]
) -> None:
    """Train for `recipe.steps` steps; `report` is called after each with the loss terms."""
    rng, noise = random.Random(0), torch.Generator().manual_seed(0)
    optimizers = _optimizers(student, recipe)
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, lambda step: _rate(step, recipe)) for o in optimizers]
    for step in range(recipe.steps):
        batch = augment(rng, pool[torch.tensor(rng.sample(range(len(pool)), recipe.batch))])
        with plain_attention(), torch.autocast("cpu", torch.bfloat16):
            terms = _loss_terms(student, batch, recipe, rng, noise)
        help_weight = max(0.0, 1 - step / (recipe.helped * recipe.horizon))
        weights = {"mask": 3.0, "copies": 1.5, "scenes": 0.5, "dense": 1.0, "help": help_weight}
        loss = sum((weights[name] * term for name, term in terms.items()), torch.zeros(()))
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        report(step + 1, {name: float(term.detach()) for name, term in terms.items()})


def _rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then a half cosine to zero, as a share of the top rate."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (step - recipe.warm_up) / (recipe.horizon - recipe.warm_up))


def _optimizers(student: Student, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon (from torch 2.9 on) for the blocks' matrices: it learns twice as fast as AdamW here."""
    return [
        torch.optim.AdamW(
            other_weights(student), recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
        ),
        torch.optim.Muon(tower_weights(student), recipe.muon_rate, weight_decay=recipe.muon_decay),
    ]


def _loss_terms(
    student: Student, batch: Pool, recipe: Recipe, rng: random.Random, noise: torch.Generator
) -> dict[str, Tensor]:
    queries = ask(rng, batch)
    longest = rng.choices((5, 10, 20), (6, 3, 1))[0]
    captions = [random_caption(rng, query.topic, longest) for query in queries]
    texts = encode_captions(student.clip, _class_captions(rng, longest) + captions, noise)
    bank, asked = torch.split(texts, [len(CLASSES) + len(GROUNDS), len(queries)])

    pixels = normalise(batch.images)
    copies, kinds = single_objects(rng, batch, pixels, recipe.copies)
    images = torch.cat([pixels, copies])
    pooled, hidden, dense = student.clip.image(images)
    owners = torch.tensor([query.image for query in queries])
    logits = student.decoder(tuple(state[owners] for state in hidden), asked)

    classes = bank[: len(CLASSES)]
    present = F.one_hot(batch.kinds + 1, len(CLASSES) + 1).any(1)[:, 1:].bool()  # (B, 24)
    targets = _patch_targets(batch)
    return {
        "mask": mask_loss(logits.float(), query_masks(batch, queries)),
        "copies": F.cross_entropy(similarity(pooled[recipe.batch :], classes), kinds),
        "scenes": contrast_present(similarity(pooled[: recipe.batch], classes), present),
        "dense": F.cross_entropy(
            similarity(dense[: recipe.batch].flatten(2).transpose(1, 2), bank).transpose(1, 2), targets
        ),
        "help": _help(student, hidden, pooled[: recipe.batch], present, targets),
    }


def _class_captions(rng: random.Random, longest: int) -> list[Caption]:
    """Name every class, half of them by "a photo of a ...", and every ground."""
    captions = [
        plain_caption(class_topic(kind), fold=rng.random() < 0.4)
        if rng.random() < 0.5
        else random_caption(rng, class_topic(kind), longest)
        for kind in CLASSES
    ]
    for ground in GROUNDS:
        captions.append(Caption())
        captions[-1].say(f"a photo of {ground}")
    return captions


def _patch_targets(batch: Pool) -> Tensor:
    """Return for each patch (B, N) the class that fills most of it, or the ground (24 and up)."""
    labels = F.one_hot(batch.labels.long(), 5).permute(0, 3, 1, 2).float()  # (B, 5, H, W)
    shares = F.avg_pool2d(labels, PATCH_SIZE).flatten(2)  # (B, 5, N)
    share, winner = shares.max(dim=1)  # (B, N)
    named = torch.cat([(batch.grounds + len(CLASSES))[:, None], batch.kinds], dim=1)  # (B, 5)
    return torch.where(share > 0.6, named.gather(1, winner), _NO_CLASS)


def _help(
    student: Student, hidden: tuple[Tensor, ...], pooled: Tensor, present: Tensor, targets: Tensor
) -> Tensor:
    """Auxiliary losses that get learning started: classes of patches at every depth, and of scenes."""
    targets = targets.clamp(max=len(CLASSES))  # all grounds alike
    terms = [F.binary_cross_entropy_with_logits(student.pooled_head(pooled).float(), present.float())]
    for head, state in zip(student.patch_heads, hidden, strict=True):
        logits = head(state[: len(pooled), 1:]).float()
        terms.append(F.cross_entropy(logits.transpose(1, 2), targets))
    return torch.stack(terms).mean()
