"""One shard: a tar in the WebDataset format, where files that share a key are one clip.

A clip is three files: its picture, its sound, and `<key>.json` with its id and label. The key is its place
in the split, so that no id can break the format.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from avprompt.data.media import read_image
from avprompt.data.sources import read_bytes
from avprompt.errors import DataError
from avprompt.files import replacing
from avprompt.records import ArchiveMember, FileSource, PictureSource, Sample, SoundSource


@dataclass(frozen=True)
class ArchivedClip:
    """A clip in a shard: its id and label, and where its two files are."""

    id: str
    label: str
    picture: ArchiveMember
    sound: ArchiveMember


def write_archive(path: Path, clips: Iterable[tuple[int, Sample]]) -> None:
    """Write clips with their places in the split; those that cannot be read are left out.

    The same clips give the same bytes.

    Raises:
        DataError: the archive cannot be written.
    """
    try:
        with replacing(path) as temporary, tarfile.open(temporary, "w:", format=tarfile.USTAR_FORMAT) as tar:
            for place, sample in clips:
                try:
                    files = clip_files(sample)
                except DataError:
                    continue
                for suffix, data in files:
                    member = tarfile.TarInfo(f"{place:08d}{suffix}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    except OSError as error:
        raise DataError(f"The shard '{path}' cannot be written: {error}") from error


def scan_archive(path: Path) -> list[ArchivedClip]:
    """Return the clips of an archive that `write_archive` wrote, in order.

    Raises:
        DataError: another or a broken file.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            headers = tar.getmembers()
            facts = [json.load(tar.extractfile(header)) for header in headers[2::3]]  # type: ignore[arg-type]
        members = [ArchiveMember(path, header.name, header.offset_data, header.size) for header in headers]
        return [
            ArchivedClip(about["id"], about["label"], picture, sound)
            for about, picture, sound in zip(facts, members[0::3], members[1::3], strict=True)
        ]
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The shard '{path}' is broken ({error}). Remove it and shard again.") from error


def clip_files(sample: Sample) -> tuple[tuple[str, bytes], ...]:
    """Return the files of a clip as suffix and bytes: picture, sound, and its id and label as JSON.

    Raises:
        DataError: a file cannot be read.
    """
    about = json.dumps({"id": sample.id, "label": sample.label}, ensure_ascii=False)
    return _picture(sample.image), _sound(sample.audio), (".json", about.encode())


def _picture(image: PictureSource) -> tuple[str, bytes]:
    if isinstance(image, FileSource):
        return image.suffix.lower(), read_bytes(image)
    encoded = io.BytesIO()
    Image.fromarray(read_image(image)).save(encoded, "PNG")
    return ".png", encoded.getvalue()


def _sound(audio: SoundSource) -> tuple[str, bytes]:
    if isinstance(audio, FileSource):
        return audio.suffix.lower(), read_bytes(audio)
    encoded = io.BytesIO()  # in AU, as WAV files of floats hold the time of writing
    soundfile.write(encoded, np.asarray(audio.samples).T, audio.rate, "FLOAT", format="AU")
    return ".au", encoded.getvalue()
