from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from avprompt_beats.architecture import ITER3_PLUS_AS2M, BeatsArchitecture
from avprompt_beats.model import Beats
from avprompt_beats.position import PositionConv


def test_outputs_are_the_input_and_every_block(beats: Beats, noise: Tensor) -> None:
    outputs = beats(noise)
    assert len(outputs) == 4
    # 8000 samples make 48 frames, 3 rows of 8 patches.
    assert all(output.shape == (1, 24, 32) for output in outputs)


def test_a_batch_of_equal_waveforms_equals_one(beats: Beats, noise: Tensor) -> None:
    many = beats(noise.expand(3, -1))[-1]
    torch.testing.assert_close(many, beats(noise)[-1].expand(3, -1, -1), atol=1e-5, rtol=0)


def test_waveforms_of_a_batch_do_not_mix(beats: Beats, noise: Tensor) -> None:
    # Shorter clips come zero-padded to a common length; what stands beside them must not matter.
    padded = nn.functional.pad(noise[:, :5000], (0, 3000))
    both = beats(torch.cat([noise, padded]))[-1]
    torch.testing.assert_close(both[1:], beats(padded)[-1], atol=1e-5, rtol=0)


def test_silence_is_finite(beats: Beats) -> None:
    assert all(output.isfinite().all() for output in beats(torch.zeros(1, 16000)))


def test_less_than_a_patch_is_refused(beats: Beats) -> None:
    assert beats(torch.zeros(1, 2800))[-1].shape == (1, 8, 32)
    with pytest.raises(ValueError, match=r"a waveform of 0\.175 s is shorter than one patch of 16 frames"):
        beats(torch.zeros(1, 2799))


@pytest.mark.parametrize(
    "options",
    [
        {"deep_norm": False},
        {"gru_rel_pos": False},
        {"gru_rel_pos": False, "relative_position_embedding": False},
        {"embed_dim": 32, "conv_bias": True, "conv_pos": 15, "activation_fn": "relu"},
    ],
)
def test_every_configuration_trains_every_parameter(
    arch: BeatsArchitecture, noise: Tensor, options: dict[str, object]
) -> None:
    beats = Beats(arch.model_copy(update=options))
    beats(noise)[-1].square().sum().backward()
    untrained = [name for name, parameter in beats.named_parameters() if parameter.grad is None]
    assert untrained == []


def test_norms_that_come_first_leave_the_output_of_every_block_as_it_is(
    arch: BeatsArchitecture, noise: Tensor
) -> None:
    beats = Beats(arch.model_copy(update={"layer_norm_first": True, "deep_norm": False})).eval()
    *_, before, last = beats(noise)
    last.square().sum().backward()
    untrained = [name for name, parameter in beats.named_parameters() if parameter.grad is None]
    assert untrained == ["encoder.layer_norm.weight", "encoder.layer_norm.bias"]
    for name, linear in beats.encoder.layers[-1].named_modules():
        if name in ("self_attn.out_proj", "fc2"):  # both branches of the last block add nothing
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)
    assert torch.equal(beats(noise)[-1], before)


def test_norms_come_first_or_are_deep() -> None:
    with pytest.raises(ValidationError, match="layer_norm_first and deep_norm exclude each other"):
        BeatsArchitecture(layer_norm_first=True, deep_norm=True)


def test_the_position_bias_is_one_for_all_layers(beats: Beats) -> None:
    shared = {id(layer.get_submodule("self_attn.relative_attention_bias")) for layer in beats.encoder.layers}
    assert len(shared) == 1


def test_the_published_size() -> None:
    with torch.device("meta"):
        beats = Beats(ITER3_PLUS_AS2M)
    assert sum(parameter.numel() for parameter in beats.parameters()) == 90_311_792


def test_training_keys_of_a_cfg_are_ignored() -> None:
    cfg = {"encoder_layers": 2, "dropout": 0.1, "finetuned_model": True, "predictor_class": 527}
    assert BeatsArchitecture.model_validate(cfg) == BeatsArchitecture(encoder_layers=2)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValidationError, match="768 is no multiple of encoder_attention_heads"):
        BeatsArchitecture(encoder_attention_heads=7)


def test_position_conv_equals_torch_weight_norm() -> None:
    ours = PositionConv(width=8, taps=6, groups=2)
    nn.init.uniform_(ours.weight_g)
    conv = nn.Conv1d(8, 8, 6, padding=3, groups=2)
    theirs = nn.utils.parametrizations.weight_norm(conv, dim=2)
    ours.load_state_dict(theirs.state_dict())  # the new spelling
    x = torch.randn(2, 8, 9)
    torch.testing.assert_close(ours(x), theirs(x)[..., :9])
    classic = {"bias": ours.bias, "weight_g": ours.weight_g, "weight_v": ours.weight_v}
    assert PositionConv(8, 6, 2).load_state_dict(classic).missing_keys == []
