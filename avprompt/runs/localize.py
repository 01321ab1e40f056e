"""Where one sound comes from in one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from avprompt.config.method_config import resolve
from avprompt.data.inputs import InputSpec
from avprompt.data.media import read_image, resize_image
from avprompt.distributed import make_accelerator
from avprompt.errors import WeightsError
from avprompt.files import replacing
from avprompt.model.build import build
from avprompt.model.method import Method
from avprompt.pictures.overlay import overlay
from avprompt.plugin.discovery import Loaded
from avprompt.runs.session import Settings
from avprompt.weights.checkpoint import checkpoint_formats, load_checkpoint

SIZE = 224


@dataclass(frozen=True)
class Found:
    """A localised sound: `image` (H, W, 3) uint8, `heatmap` (224, 224) float32 in 0..1, `confidence`."""

    image: np.ndarray
    heatmap: np.ndarray
    confidence: float

    def peak(self) -> tuple[float, float]:
        """Return where the heatmap is highest, as fractions from the top and from the left."""
        row, column = np.unravel_index(self.heatmap.argmax(), self.heatmap.shape)
        return (row + 0.5) / SIZE, (column + 0.5) / SIZE


def open_method(loaded: Loaded, method: str, settings: Settings, checkpoint: Path | None) -> Method:
    """Build a method for use, a registered name or YAML file, with its trained parts.

    Raises:
        WeightsError: trained parts or encoder weights are missing.
    """
    method_config = resolve(loaded.registry, method, settings.encoders or "published", settings.overrides)
    accelerator = make_accelerator(settings.device, settings.precision)
    torch.manual_seed(settings.seed)  # as in training: random parts that stay frozen are in no checkpoint
    built = build(method_config, loaded.registry)
    if checkpoint is not None:
        load_checkpoint(built, checkpoint, checkpoint_formats(loaded.registry))
    elif built.trainable_parameters():
        raise WeightsError(
            f"'{method_config.name}' has trained parts: give --checkpoint FILE, or a run directory "
            "as --method."
        )
    built.to(accelerator.device).eval()
    return built


def localize_clip(method: Method, image: Path, audio: Path, seconds: float) -> Found:
    """Localise the sound of a file in an image file.

    Raises:
        DataError: one of the files cannot be read.
    """
    backbone = method.backbone
    spec = InputSpec(
        backbone.image_size, backbone.mean, backbone.std, method.audio_encoder.sample_rate, seconds
    )
    picture = read_image(image)
    device = next(method.parameters()).device
    pixels = spec.pixels(resize_image(picture, backbone.image_size))[None].to(device)
    with torch.no_grad():
        frames = method.encode_audio(spec.waveform(audio)[None].to(device))
        features = method.encode_image(pixels)
        text = method.read(method.projection(frames), features)
        prediction = method.locate(features, text, (SIZE, SIZE))
    return Found(picture, prediction.heatmap[0].cpu().numpy(), float(prediction.confidence[0]))


def write_heatmap(found: Found, path: Path) -> Path:
    """Write the heatmap as a NumPy file."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, found.heatmap.astype(np.float32))
    return path


def write_overlay(found: Found, path: Path) -> Path:
    """Write the heatmap over the image, as PNG or whatever the file's ending says."""
    with replacing(path) as temporary:
        format_ = Image.registered_extensions().get(path.suffix.lower(), "PNG")
        Image.fromarray(overlay(found.image, found.heatmap)).save(temporary, format=format_)
    return path
