"""The filterbank: a batch at once, clip by clip, and as transformers computes it; milliseconds a clip.

transformers' is an independent implementation in NumPy, the one that its feature extractors use where
torchaudio is absent. The script stops unless all agree to 1e-2 in the logarithm.

    python benchmarks/speed/fbank.py [--clips 16] [--seconds 10] [--threads 2] [--device auto] [--json]
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from measuring import add_device, machine, median_seconds, options, report, set_up
from torch import Tensor

from avprompt.model.fbank import FLOOR, PREEMPHASIS, kaldi_fbank

RATE, BINS = 16000, 128
TOLERANCE = 1e-2


def main() -> None:
    """Compare values, then time."""
    parser = options(__doc__)
    add_device(parser)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    device = set_up(arguments.threads, arguments.device)
    waveforms = draw_waveforms(arguments.clips, arguments.seconds).to(device)
    arrays = waveforms.cpu().numpy()

    ways: dict[str, Callable[[], Tensor]] = {
        "ours, one batch": lambda: kaldi_fbank(waveforms),
        "ours, clip by clip": lambda: torch.cat([kaldi_fbank(clip[None]) for clip in waveforms]),
        "transformers.audio_utils": lambda: torch.stack([independent(clip) for clip in arrays]),
    }
    batched = ways["ours, one batch"]()
    rows: list[tuple[str, float, float, float]] = []
    for name, way in ways.items():
        apart = float((way().to(device) - batched).abs().max())
        assert apart <= TOLERANCE, f"{name} is {apart:.1e} apart, more than {TOLERANCE:.0e}"
        taken = 1e3 * median_seconds(way, arguments.repeats, device) / arguments.clips
        rows.append((name, taken, taken / (rows[0][1] if rows else taken), apart))
    report(
        f"Kaldi's filterbank of {arguments.clips} clips of {arguments.seconds:g} s",
        ["Way", "ms a clip", "times ours", "largest difference"],
        rows,
        caption=machine(arguments.threads, device),
        as_json=arguments.json,
    )


def draw_waveforms(clips: int, seconds: float) -> Tensor:
    """Return noise (clips, T) at the level of 16-bit samples."""
    draw = torch.Generator().manual_seed(0)
    return 3000 * torch.randn(clips, round(seconds * RATE), generator=draw)


def independent(waveform: np.ndarray) -> Tensor:
    """Return the filterbank (frames, bins) of a waveform (T,) from transformers."""
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of the 128 bands lies between two lines of the spectrum
        filters = mel_filter_bank(
            257, BINS, 20, RATE // 2, RATE, norm=None, mel_scale="kaldi", triangularize_in_mel_space=True
        )
    mel = spectrogram(
        waveform,
        window_function(400, "povey", periodic=False),
        frame_length=400,
        hop_length=160,
        fft_length=512,
        power=2.0,
        center=False,
        preemphasis=PREEMPHASIS,
        mel_filters=filters,
        mel_floor=FLOOR,
        log_mel="log",
        remove_dc_offset=True,
    )
    return torch.from_numpy(mel.T.astype(np.float32))


if __name__ == "__main__":
    main()
