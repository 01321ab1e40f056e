"""Where a sound comes from in an image: a method that is ready for any clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from PIL import Image

from avprompt.data.inputs import InputSpec
from avprompt.data.media import read_image, resize_image
from avprompt.errors import DataError
from avprompt.evaluation.finite import check_finite
from avprompt.localization.clips import check_video_output
from avprompt.localization.drawing import draw_video
from avprompt.localization.given import (
    ImageLike,
    Size,
    SoundLike,
    checked_size,
    picture_source,
    sound_source,
    video_file,
)
from avprompt.localization.keeping import Saved, checked_saved, keeping_boxes, keeping_maps
from avprompt.localization.maps import FPS, TimedMap, Timing, checked_timing, seen
from avprompt.localization.video import Video
from avprompt.model.method import Method
from avprompt.pictures.overlay import overlay
from avprompt.records import Audio, PictureSource, SoundSource

MAP_SIZE = (224, 224)
"""Height and width of the maps of videos, pixels: the size at which the field scores."""


@dataclass(frozen=True, eq=False)
class Localization:
    """Where one sound comes from in one image.

    Attributes:
        image: (H, W, 3) uint8.
        heatmap: (H, W) float32 in 0..1, larger where the sound is; of the size that was asked for.
        confidence: larger where the method believes that the source is visible, a cosine in -1..1.
    """

    image: np.ndarray
    heatmap: np.ndarray
    confidence: float

    def overlay(self) -> Image.Image:
        """Return the heatmap over the image, a picture of the image's size."""
        return Image.fromarray(overlay(self.image, self.heatmap))

    def peak(self) -> tuple[float, float]:
        """Return where the heatmap is highest, as fractions from the top and from the left."""
        row, column = np.unravel_index(self.heatmap.argmax(), self.heatmap.shape)
        height, width = self.heatmap.shape
        return (int(row) + 0.5) / height, (int(column) + 0.5) / width


@dataclass(frozen=True)
class Localizer:
    """A method with all its weights, ready to localise; made by `avprompt.load`.

    Attributes:
        method: in evaluation mode, on its device.
        spec: how it takes images and sounds.
        precision: opens mixed precision, such as accelerate's `autocast`.
        threshold: that makes a mask of its heatmaps, in 0..1.
        note: what everybody must know who sees its maps; empty for most methods.
        advice: how to get a method that knows more, where there is a note.
    """

    method: Method
    spec: InputSpec
    precision: Callable[[], AbstractContextManager[None]] = nullcontext
    threshold: float = 0.5
    note: str = ""
    advice: str = ""

    @overload
    def localize(
        self, image: ImageLike, sound: SoundLike, *, rate: int | None = None, size: Size | None = None
    ) -> Localization: ...

    @overload
    def localize(
        self, image: list[Any], sound: list[Any], *, rate: int | None = None, size: Size | None = None
    ) -> list[Localization]: ...

    def localize(
        self, image: Any, sound: Any, *, rate: int | None = None, size: Size | None = None
    ) -> Localization | list[Localization]:
        """Find where a sound comes from in an image, or each of some sounds in the image at its place.

        Args:
            image: a file, a PIL image, an array (H, W, 3) uint8, or a list of these.
            sound: a file, samples (T,) or (channels, T) as an array or tensor in -1..1, or a list of these.
            rate: samples per second of arrays and tensors.
            size: (height, width) of the heatmap; None takes that of the image.

        Raises:
            ConfigError: the size is none.
            DataError: an image or sound cannot be read, or there are not as many sounds as images.
            EvaluationError: what comes out is not finite.
        """
        if not isinstance(image, list):
            return self.localize_sources(picture_source(image), sound_source(sound, rate), size)
        if not isinstance(sound, list) or len(sound) != len(image):
            raise DataError("A list of images needs a list of as many sounds, one for each.")
        return [
            self.localize_sources(picture_source(picture), sound_source(recording, rate), size)
            for picture, recording in zip(image, sound, strict=True)
        ]

    def localize_video(
        self, video: str | Path, *, fps: float = FPS, smooth: float = 0.0, size: Size = MAP_SIZE
    ) -> Iterator[TimedMap]:
        """Find where the sound of a video comes from, over and over; each map is made when it is asked for.

        Args:
            video: the file.
            fps: maps a second, each of the picture on the screen and the sound around it.
            smooth: seconds over which maps are averaged; 0 for none.
            size: (height, width) of the heatmaps.

        Raises:
            ConfigError: a number is none that can be.
            DataError: the video is missing or broken, or has no picture or no sound.
            EvaluationError: what comes out is not finite.
        """
        return self._maps(Video.of(video_file(video)), checked_timing(fps, smooth), checked_size(size))

    def draw_video(
        self,
        video: str | Path,
        output: str | Path,
        *,
        fps: float = FPS,
        smooth: float = 0.0,
        save: Sequence[Saved] = (),
        on_map: Callable[[TimedMap], None] | None = None,
    ) -> list[Path]:
        """Write an mp4 of a video with the heat over it, as long, at the same rate and with the same sound.

        Args:
            video: the file.
            output: the mp4; it appears when it is whole.
            fps: maps a second; between them they are interpolated.
            smooth: seconds over which maps are averaged; 0 for none.
            save: `json` writes boxes and confidences by time beside the mp4, `npz` the maps.
            on_map: is shown every map as it is made.

        Returns:
            All files that were written, the mp4 first.

        Raises:
            AvpromptError: see `localize_video`; or the mp4 cannot be written.
        """
        output, timing = Path(output), checked_timing(fps, smooth)
        check_video_output(output, video_file(video))
        source = Video.of(video_file(video))
        maps = seen(self._maps(source, timing, MAP_SIZE), on_map)
        files = {suffix: output.with_suffix(f".{suffix}") for suffix in checked_saved(save)}
        about = {"video": source.path.name, "seconds": source.seconds, **asdict(timing), "note": self.note}
        with ExitStack() as stack:
            if "json" in files:
                maps = seen(maps, stack.enter_context(keeping_boxes(files["json"], about, self.threshold)))
            if "npz" in files:
                count = timing.count(source)
                maps = seen(maps, stack.enter_context(keeping_maps(files["npz"], count, MAP_SIZE)))
            draw_video(source, maps, output, threshold=self.threshold, note=self.note)
        return [output, *files.values()]

    def _maps(self, video: Video, timing: Timing, size: Size) -> Iterator[TimedMap]:
        def locate(image: np.ndarray, sound: Audio) -> tuple[np.ndarray, float]:
            localization = self.localize_sources(image, sound, size)
            return localization.heatmap, localization.confidence

        return timing.maps(video, locate, self.spec.seconds)

    @torch.no_grad()
    def localize_sources(
        self, picture: PictureSource, sound: SoundSource, size: Size | None = None
    ) -> Localization:
        """Do the same for the picture and the sound of a sample."""
        image, device = read_image(picture), next(self.method.parameters()).device
        pixels = self.spec.pixels(resize_image(image, self.spec.image_size))[None].to(device)
        waveform = self.spec.waveform(sound)[None].to(device)
        height, width = image.shape[:2] if size is None else checked_size(size)
        with self.precision():
            audio = self.method.listen(self.method.encode_audio(waveform))
            features = self.method.encode_image(pixels)
            prediction = self.method.locate(features, self.method.read(audio, features), (height, width))
        name = sound if isinstance(sound, Path) else "this sound"
        check_finite(prediction.heatmap, [str(name)], "The heatmap")
        check_finite(prediction.confidence, [str(name)], "The confidence")
        return Localization(image, prediction.heatmap[0].cpu().numpy(), float(prediction.confidence[0]))
