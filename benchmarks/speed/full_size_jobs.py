"""The jobs of `full_size.py`, each run in a process of its own: JOB FOLDER BATCH THREADS."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile
import torch
from official import BEATS, CLIPSEG, checkpoint_options, write_beats, write_clipseg
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from avprompt.cli import main as avprompt
from avprompt.config.method_config import resolve
from avprompt.data.inputs import InputSpec
from avprompt.distributed import make_accelerator
from avprompt.features.encoding import Encoding
from avprompt.model.build import build
from avprompt.plugin.discovery import load_plugins
from avprompt.records import Audio, Sample
from avprompt.training.build import build_optimizer, build_schedule
from avprompt.training.trainer import Trainer
from avprompt.weights.checkpoint import checkpoint_formats, load_checkpoint, save_checkpoint, trained_state
from avprompt.weights.tensors import read_tensors, read_torch_file
from avprompt_beats import checkpoint as beats_checkpoint
from avprompt_beats.encoder import BeatsEncoder, BeatsOptions
from avprompt_clip.clipseg import ClipSegBackbone, ClipSegOptions
from avprompt_clip.mask_decoder import ClipSegDecoder, ClipSegDecoderOptions

SECONDS, RATE = 10, 16000
State = Mapping[str, Tensor]


def main(job: str, folder: Path, batch: int, threads: int) -> None:
    """Do one job and print the peak memory of this process in GiB."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    if job == "write":
        write_clipseg(folder)
        write_beats(folder)
    elif job == "round-trip":
        clipseg_there_and_back(folder)
        beats_there_and_back(folder)
    elif job == "localize":
        localize(folder)
    else:
        train(job, folder, batch)
    print(json.dumps(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)))


def clipseg_there_and_back(folder: Path) -> None:
    """Compare our modules with the file that filled them, and with themselves after saving."""
    backbone = ClipSegBackbone(ClipSegOptions(checkpoint=str(folder / CLIPSEG)))
    backbone.load_weights()
    decoder = ClipSegDecoder(ClipSegDecoderOptions(), backbone)
    decoder.load_weights(backbone)
    parts = {"clip.": backbone.clip, "decoder.": decoder.network}
    ours = {prefix + key: value for prefix, part in parts.items() for key, value in part.state_dict().items()}
    compare(ours, load_file(folder / CLIPSEG / "model.safetensors"))
    save_file(ours, folder / "clipseg-again.safetensors")
    compare(ours, load_file(folder / "clipseg-again.safetensors"))


def beats_there_and_back(folder: Path) -> None:
    """Likewise; the label predictor of the official file has no place in the encoder."""
    encoder = BeatsEncoder(BeatsOptions(checkpoint=str(folder / BEATS)))
    encoder.load_weights()
    ours, official = encoder.beats.state_dict(), read_torch_file(folder / BEATS)["model"]
    compare(ours, {key: value for key, value in official.items() if not key.startswith("predictor.")})
    beats_checkpoint.save(encoder.beats, folder / "beats-again.safetensors")
    compare(ours, read_tensors(folder / "beats-again.safetensors"))


def train(name: str, folder: Path, batch: int) -> None:
    """Train a method for one step on random clips; save and load what it learned."""
    registry = load_plugins().registry
    options = (f"training.batch_size={batch}", "training.steps=1", "training.warmup_steps=0")
    method_config = resolve(registry, name, "published", (*checkpoint_options(folder), *options))
    method = build(method_config, registry)
    before = {key: value.clone() for key, value in trained_state(method).items()}
    backbone, rate = method.backbone, method.audio_encoder.sample_rate
    spec = InputSpec(backbone.image_size, backbone.mean, backbone.std, rate, SECONDS)
    accelerator = make_accelerator("cpu", "no")
    samples, encoding = clips(batch, backbone.image_size), Encoding(method)
    training = method_config.training
    schedule, optimizer = build_schedule(registry, training), build_optimizer(registry, training)
    Trainer(method, samples, spec, training, 0, accelerator, folder, encoding, schedule, optimizer).run()
    after = {key: value.clone() for key, value in trained_state(method).items()}
    assert not any(torch.equal(before[part], after[part]) for part in before), "a tensor was not trained"
    path = folder / f"{name}.safetensors"
    save_checkpoint(method, path, {"method": name})
    compare(after, load_file(path))
    formats = checkpoint_formats(registry)
    for other in formats.values():
        if other.method == name:
            other.write(after, folder / f"{name}.pth")
            load_checkpoint(method, folder / f"{name}.pth", formats)
            compare(after, trained_state(method))


def localize(folder: Path) -> None:
    """Run the command on a picture and a sound."""
    draw = np.random.default_rng(0)
    Image.fromarray(draw_picture(draw, 480)).save(folder / "image.png")
    soundfile.write(folder / "sound.wav", draw_sound(draw), RATE)
    arguments = ["localize", "--method", "acl-ssl", "--checkpoint", str(folder / "acl-ssl.pth")]
    files = [str(folder / "image.png"), "--audio", str(folder / "sound.wav")]
    settings = [word for option in checkpoint_options(folder) for word in ("--set", option)]
    output = folder / "heatmap.npy"
    avprompt([*arguments, *files, *settings, "--save-heatmap", str(output)], standalone_mode=False)
    heatmap = np.load(output)
    assert heatmap.shape == (224, 224)
    assert np.isfinite(heatmap).all()


def clips(count: int, side: int) -> list[Sample]:
    """Return clips of noise: pictures `side` pixels wide, and ten seconds of sound."""
    draw = np.random.default_rng(0)
    return [
        Sample(f"noise-{index}", draw_picture(draw, side), Audio(draw_sound(draw), RATE))
        for index in range(count)
    ]


def draw_picture(draw: np.random.Generator, side: int) -> np.ndarray:
    """Return noise (side, side, 3) as bytes."""
    return draw.integers(0, 256, (side, side, 3), dtype=np.uint8)


def draw_sound(draw: np.random.Generator) -> np.ndarray:
    """Return ten seconds of noise in -0.5..0.5."""
    return draw.uniform(-0.5, 0.5, SECONDS * RATE).astype(np.float32)


def compare(state: State, other: State) -> None:
    """Make sure that two state dicts have the same names, types and bits."""
    assert state.keys() == other.keys(), state.keys() ^ other.keys()
    for name in state:
        assert state[name].dtype == other[name].dtype, name
        assert torch.equal(state[name], other[name]), name


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
