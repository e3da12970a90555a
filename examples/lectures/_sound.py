"""Sound: espeak-ng speaks, and mel-frequency cepstral coefficients say how the sound changes.

A sound is cut into frames of 25 ms, one each 10 ms. The power spectrum of a frame passes through triangular
filters, which lie as densely as an ear tells pitches apart. A discrete cosine transform of the logarithms
keeps the broad shape of the spectrum, that is the vowel or consonant, and drops the fine one, the pitch.

Source: S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition
in continuously spoken sentences", 1980.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import FileError

Array = npt.NDArray[Any]

RATE = 22_050
"""How many samples a second of sound has."""

HEADER = 44
"""The bytes of a WAV file before its samples."""

FILTERS, COEFFICIENTS = 26, 13


def can_speak() -> bool:
    """Whether espeak-ng is on this machine."""
    return shutil.which("espeak-ng") is not None


def speak(text: str, voice: str, speed: int, pitch: int) -> Array:
    """A text as sound (samples,) between -1 and 1; the speed in words a minute, the pitch from 0 to 99."""
    if not can_speak():
        raise FileError("there is no espeak-ng on this machine; apt-get install espeak-ng")
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(wav[HEADER:], "<i2") / 2**15


def pre_emphasis(x: Array, a: float = 0.97) -> Array:
    """y[t] = x[t] - a x[t - 1], as high frequencies are weak in speech; x is 0 before it begins."""
    return np.asarray(x - a * np.append(0, x[:-1]))


def frames(x: Array, size: int, step: int) -> Array:
    """Frames (n, size) of a sound, one each `step` samples."""
    return np.lib.stride_tricks.sliding_window_view(x, size)[::step]


def power_spectrum(x: Array) -> Array:
    """|FFT(w x)|^2 / size of frames (n, size), w the Hamming window 0.54 - 0.46 cos(2 pi t / (size - 1))."""
    size = x.shape[-1]
    return np.asarray(np.abs(np.fft.rfft(x * np.hamming(size))) ** 2 / size)


def mel(hertz: Any) -> Any:
    """2595 log10(1 + f / 700): equal steps sound equally large."""
    return 2595 * np.log10(1 + hertz / 700)


def hertz(mel: Any) -> Any:
    """The inverse of `mel`."""
    return 700 * (10 ** (mel / 2595) - 1)


def mel_filters(count: int, size: int, rate: int) -> Array:
    """Triangles (count, size // 2 + 1) over the frequencies of frames of this size.

    Filter i rises from 0 at edge i to 1 at edge i + 1 and falls to 0 at edge i + 2. The edges are equally
    far apart in mel.
    """
    f = np.fft.rfftfreq(size, 1 / rate)
    edges = hertz(np.linspace(0, mel(rate / 2), count + 2))[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    return np.asarray(np.maximum(0, np.minimum((f - low) / (middle - low), (high - f) / (high - middle))))


def cosines(count: int, size: int) -> Array:
    """The rows of the orthonormal DCT-II: sqrt(2 / n) cos(pi k (i + 1/2) / n), and sqrt(1 / n) for k = 0."""
    k, i = np.arange(count)[:, None], np.arange(size)
    return np.asarray(np.sqrt((2 - (k == 0)) / size) * np.cos(np.pi * k * (i + 0.5) / size))


def mfcc(sound: Array, rate: int = RATE) -> Array:
    """The coefficients (frames, 13) of a sound."""
    size = rate // 40
    power = power_spectrum(frames(pre_emphasis(sound), size, rate // 100))
    logs = np.log(power @ mel_filters(FILTERS, size, rate).T + 1e-7)
    return np.asarray(logs @ cosines(COEFFICIENTS, FILTERS).T)


def mel_spectrum(coefficients: Array) -> Array:
    """What the coefficients keep of the logarithms of the filters, of shape (frames, 26)."""
    return np.asarray(coefficients @ cosines(coefficients.shape[-1], FILTERS))
