"""The packaged weights: their size, their proof, and what they are worth."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import avprompt_mini.weights as packaged
from avprompt.errors import WeightsError
from avprompt.records import Audio, Prompt, Sample
from avprompt_beats.encoder import BeatsEncoder, BeatsOptions
from avprompt_benchmarks.toy.adapter import Toy
from avprompt_clip.decoder import ClipSegNetwork
from avprompt_mini.backbone import MiniBackbone

FILES = ("beats.safetensors", "clip.safetensors", "decoder.safetensors")
PIXEL_MEAN, PIXEL_STD = 0.5, 0.25


def test_all_weights_together_are_below_eight_megabytes() -> None:
    sizes = [len((packaged.FOLDER / name).read_bytes()) for name in FILES]
    assert sum(sizes) < 8e6


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_the_one_that_was_measured(name: str) -> None:
    _, digest = packaged.read_weights(name)
    assert digest == packaged.quality()["sha256"][name]


def test_weights_are_used_in_single_precision() -> None:
    tensors, _ = packaged.read_weights("clip.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = json.loads((packaged.FOLDER / "quality.json").read_text())
    (tmp_path / "clip.safetensors").write_bytes(b"other")
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    monkeypatch.setattr(packaged, "quality", lambda: record)
    with pytest.raises(WeightsError, match="is not the file"):
        MiniBackbone().load_weights()
    with pytest.raises(WeightsError, match=r"lacks .*decoder"):
        packaged.read_weights("decoder.safetensors")


def test_the_recorded_quality_is_what_the_toy_world_needs() -> None:
    vision, audio = packaged.quality()["vision"], packaged.quality()["audio"]
    assert vision["text_prompt_ciou"] > 80
    assert vision["one_token_ciou"] > 80
    assert audio["class_accuracy"] > 95


def test_the_log_is_of_the_run_that_made_the_weights() -> None:
    last = (packaged.FOLDER / "pretraining.log").read_text().splitlines()[-1]
    step, seconds = (int(number) for number in re.findall(r"step (\d+)  (\d+) s", last)[0])
    vision = packaged.quality()["vision"]
    assert (step, seconds) == (vision["steps"], vision["seconds"])
    assert step == vision["recipe"]["steps"]


@torch.no_grad()
def test_naming_an_object_segments_it(backbone: MiniBackbone) -> None:
    samples = Toy(seed=7).split("test").samples[:64]
    pixels = torch.stack([_pixels(sample) for sample in samples])
    texts = torch.cat([_name(backbone, sample.label) for sample in samples])
    drawn = _decoder(backbone)(backbone.encode_image(pixels).hidden, texts) > 0  # (64, 96, 96)
    truth = torch.stack([torch.from_numpy(sample.truth.mask) > 0 for sample in samples if sample.truth])
    iou = (drawn & truth).sum((1, 2)) / (drawn | truth).sum((1, 2))
    assert (iou >= 0.5).float().mean() > 0.75


@torch.no_grad()
def test_sounds_of_one_class_are_nearer_to_each_other_than_to_others() -> None:
    encoder = BeatsEncoder(
        BeatsOptions(checkpoint="package:avprompt_mini/weights/beats.safetensors", layers=(2, 3, 4))
    )
    encoder.load_weights()
    samples = Toy().split("test").samples[:96]
    waves = torch.from_numpy(np.stack([_sound(sample) for sample in samples]))
    features = encoder(waves).mean(1)  # (96, W)
    features = torch.nn.functional.normalize(features - features.mean(0), dim=-1)
    nearest = (features @ features.T - 2 * torch.eye(len(features))).argmax(1)
    same = [samples[i].label == samples[int(j)].label for i, j in enumerate(nearest)]
    assert np.mean(same) > 0.6


def _pixels(sample: Sample) -> torch.Tensor:
    assert isinstance(sample.image, np.ndarray)
    unit = torch.from_numpy(sample.image).permute(2, 0, 1) / 255
    return (unit - PIXEL_MEAN) / PIXEL_STD


def _sound(sample: Sample) -> np.ndarray:
    assert isinstance(sample.audio, Audio)
    return sample.audio.samples


def _name(backbone: MiniBackbone, name: str) -> torch.Tensor:
    start, end = backbone.special_token_embeddings()
    words = backbone.embed_text(f"a photo of a {name}")
    return backbone.encode_prompt(Prompt(torch.cat([start[None], words, end[None]])[None], len(words) + 1))


def _decoder(backbone: MiniBackbone) -> ClipSegNetwork:
    checkpoint = backbone.decoder_checkpoint()
    assert checkpoint.load is not None
    sizes = backbone.vision_width, backbone.joint_width, backbone.layers, backbone.patch_size
    network = ClipSegNetwork(*sizes, **checkpoint.architecture)
    network.load_state_dict(checkpoint.load())
    return network.eval()
