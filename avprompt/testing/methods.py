"""The checks of what is data: whole methods, and encoder sets."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from avprompt.config.method_config import MethodConfig, encoder_set
from avprompt.config.tables import ENCODERS, PART_KINDS
from avprompt.errors import PluginError, listed
from avprompt.model.outputs import mask_logits
from avprompt.model.parts import FrozenPart
from avprompt.plugin.discovery import load_plugins
from avprompt.registry import KINDS, Registry
from avprompt.testing.assertions import assert_finite, assert_gradient, assert_not_hooked, random_features
from avprompt.testing.rehearsal import Rehearsal, localise, on_stand_ins, rehearse, with_stand_ins
from avprompt.training.guard import NotFiniteError

PATH = ("projection", "prompt", "decoder", "masker")
"""The parts that gradients pass through, the last first: what cuts them off from one stands behind it."""
TRIES = 4
"""A few clips may leave the only ReLU of a small layer at 0."""
CUTS = "Look for detach(), torch.no_grad() and .data"


def check_method(method: str, registry: Registry | None = None, overrides: Iterable[str] = ()) -> None:
    """Check a whole method: a few training steps on stand-in encoders, then evaluation.

    Every trained parameter must get a gradient and move, and nothing else may change. Losses must be
    finite, the same steps must give the same numbers, frozen encoders must not be hooked, and heatmaps must
    lie in 0..1. Of a method with nothing to train only evaluation is checked.

    Args:
        method: a registered method, or a YAML file.
        registry: where names are looked up; that of all installed plugins unless given.
        overrides: `part.option=value`, where an option must suit the small stand-ins.

    Raises:
        AssertionError: a promise is broken; names the part, the parameter and what to do.
        ConfigError: an option does not fit.
        UnknownNameError: there is no such method, or it names a part that nobody registered.
    """
    registry = with_stand_ins(load_plugins().registry if registry is None else registry)
    config = on_stand_ins(registry, method, overrides)
    with torch.random.fork_rng(devices=[]):
        try:
            rehearsal = _rehearsed(config, registry)
            _check_encoders(rehearsal)
            _check_decoder(rehearsal, config)
            _check_trained(rehearsal, config)
            _check_moved(rehearsal, config, registry)
            _check_repeated(rehearsal, _rehearsed(config, registry))
            _check_heatmaps(rehearsal)
            _check_unchanged(rehearsal, config)
        except PluginError as error:
            raise AssertionError(str(error)) from error


def check_encoder_set(encoders: str, registry: Registry | None = None) -> None:
    """Check that a registered encoder set names both encoders, with options that they take.

    Args:
        encoders: a registered encoder set.
        registry: where names are looked up; that of all installed plugins unless given.

    Raises:
        AssertionError: it names only one.
        ConfigError: an option does not fit.
        UnknownNameError: there is no such set, or it names an encoder that nobody registered.
    """
    parts = encoder_set(load_plugins().registry if registry is None else registry, encoders)
    missing = [part for part in ENCODERS if part not in parts]
    assert not missing, f"encoder set '{encoders}' must name both encoders: {missing[0]}.name is missing"


def _rehearsed(config: MethodConfig, registry: Registry, seed: int = 0) -> Rehearsal:
    try:
        return rehearse(config, registry, seed)
    except NotFiniteError as error:
        raise AssertionError(f"losses and gradients must be finite: {error}") from error
    except RuntimeError as error:
        if "does not require grad" not in str(error):
            raise
        raise AssertionError(
            f"no loss of the method depends on what is trained: gradients are cut on the way. {CUTS} in "
            f"{_named(config, PATH)} and the losses."
        ) from error


def _check_encoders(rehearsal: Rehearsal) -> None:
    for part in rehearsal.method.parts().values():
        if isinstance(part, FrozenPart):
            assert_not_hooked(part)


def _check_decoder(rehearsal: Rehearsal, config: MethodConfig) -> None:
    """Check that masks teach what makes the text, even where losses compare the text as well."""
    method = rehearsal.method
    if method.trained_parts().keys().isdisjoint(("projection", "prompt")):
        return
    image = random_features(method.backbone, 2)
    text = torch.randn(2, method.backbone.joint_width, requires_grad=True)
    logits = mask_logits(method.decoder, image, text, pairs=True)
    assert_gradient(
        f"{_named(config, ['decoder'])} cuts gradients from mask logits to the text feature, so that masks "
        f"teach nothing to what listens. {CUTS} in its forward",
        logits,
        text,
    )


def _check_trained(rehearsal: Rehearsal, config: MethodConfig) -> None:
    for place, part in rehearsal.method.trained_parts().items():
        assert not isinstance(part, FrozenPart), (
            f"the {place} is frozen, but its parameters require gradients: leave requires_grad as it is"
        )
        names = [name for name, parameter in part.named_parameters() if parameter.requires_grad]
        idle = [name for name in names if f"{place}.{name}" not in rehearsal.reached]
        if len(idle) == len(names):
            raise AssertionError(_cut_off(place, config, rehearsal.reached))
        assert not idle, (
            f"{_named(config, [place])} never trains '{listed(idle)}': no loss depends on it. Use it in "
            "what the part returns, or remove it"
        )


def _check_moved(rehearsal: Rehearsal, config: MethodConfig, registry: Registry) -> None:
    """Check that parameters move; one that a few clips leave alone is tried with other weights and clips."""
    pushed, after = rehearsal.pushed, rehearsal.after
    for seed in range(1, TRIES):
        if pushed >= rehearsal.trained:
            break
        pushed |= _rehearsed(config, registry, seed).pushed
    still = sorted(rehearsal.trained - pushed)
    assert not still, (
        f"'{listed(still)}' never moves: its gradient is 0 in every step. Two factors that both start at 0 "
        "hold each other there, and values far too large or small leave a sigmoid or ReLU no slope"
    )
    for name in rehearsal.trained & rehearsal.pushed:
        moved = name in rehearsal.before and not torch.equal(rehearsal.before[name], after[name])
        assert moved, (
            f"'{name}' has a gradient, but training does not move it. Make parameters in __init__, where "
            "the optimiser finds them, and keep learning_rate_scale above 0"
        )


def _cut_off(place: str, config: MethodConfig, reached: frozenset[str]) -> str:
    """Say why no gradient reaches a part: what is behind it, up to the first that gets one, cuts them."""
    if place not in PATH:
        return f"{_named(config, [place])} trains nothing: no loss depends on its parameters"
    behind = list(PATH[PATH.index(place) + 1 :])
    parts = {name.partition(".")[0] for name in reached}
    last = next((index for index, part in enumerate(behind) if part in parts), len(behind))
    suspects = _named(config, behind[: last + 1]) if behind else "the losses"
    return (
        f"no gradient reaches {_named(config, [place])}, so that it never trains: gradients are cut in what "
        f"comes behind it, or it is not used. {CUTS} in {suspects}."
    )


def _check_unchanged(rehearsal: Rehearsal, config: MethodConfig) -> None:
    method, after = rehearsal.method, rehearsal.after
    trained, parameters = method.trained_parts(), dict(method.named_parameters())
    for name, tensor in rehearsal.before.items():
        place = next(place for place in method.parts() if name.startswith(f"{place}."))
        may_change = parameters[name].requires_grad if name in parameters else place in trained
        same = name in after and torch.equal(tensor, after[name])
        assert may_change or same, (
            f"'{name}' has changed, but {_named(config, [place])} is not trained, and no checkpoint keeps "
            "the change. Write into a copy, made by clone()"
        )


def _check_repeated(first: Rehearsal, second: Rehearsal) -> None:
    again = second.after
    differ = [name for name, tensor in first.after.items() if not torch.equal(tensor, again[name])]
    if first.losses != second.losses:
        differ.insert(0, "the losses")
    assert not differ, (
        f"the same steps must give the same numbers, but {listed(differ)} differ. Draw random numbers with "
        "torch, whose generator training seeds, and keep nothing from one method to the next"
    )


def _check_heatmaps(rehearsal: Rehearsal) -> None:
    prediction = localise(rehearsal.method)
    assert_finite("heatmaps must be finite", prediction.heatmap)
    assert_finite("confidences must be finite", prediction.confidence)
    low, high = prediction.heatmap.min(), prediction.heatmap.max()
    assert 0 <= low <= high <= 1, f"heatmaps must lie in 0..1, not in {low:.3g}..{high:.3g}"


def _named(config: MethodConfig, places: Iterable[str]) -> str:
    """Return what parts are, by their places in a method: "the decoder 'clipseg'"."""
    nouns = []
    for place in places:
        table, _, loss = place.partition(".")
        name = loss or getattr(config, table)["name"]
        nouns.append(f"the {KINDS['losses'] if loss else KINDS[PART_KINDS[table]]} '{name}'")
    return " or ".join(nouns)
