"""The sound and the search of `examples.lectures.speech`: each formula against another way to the number."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest

import nn
from autograd_lite.errors import FileError
from examples.lectures import _sound, speech
from examples.lectures._beam import LETTERS, Sentences, beam_search, word_errors
from examples.lectures._sound import (
    cosines,
    frames,
    hertz,
    mel,
    mel_filters,
    mel_spectrum,
    mfcc,
    power_spectrum,
    pre_emphasis,
)

# -- coefficients of sound -------------------------------------------------------------------------


def test_pre_emphasis_is_a_filter() -> None:
    x = np.random.default_rng(0).normal(size=50)
    y = pre_emphasis(x)
    for t in range(50):
        assert y[t] == pytest.approx(x[t] - 0.97 * (x[t - 1] if t else 0), rel=1e-15)
    np.testing.assert_allclose(y, np.convolve(x, [1, -0.97])[:50], rtol=1e-12, atol=1e-15)


def test_frames_overlap() -> None:
    np.testing.assert_array_equal(frames(np.arange(9), 4, 2), [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]])


def test_the_power_of_a_tone_is_at_its_frequency() -> None:
    """A cosine of k cycles: half the sum of the window, squared; the window's own spectrum beside it."""
    size, k = 64, 9
    power = power_spectrum(np.cos(2 * np.pi * k * np.arange(size) / size)[None])[0]
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(size) / (size - 1))
    assert power.argmax() == k
    assert power[k] == pytest.approx((window.sum() / 2) ** 2 / size, rel=1e-3)


def test_mel_has_1000_at_1000_hertz() -> None:
    assert mel(1000.0) == pytest.approx(1000, abs=0.1) and mel(0.0) == 0
    np.testing.assert_allclose(hertz(mel(np.array([20.0, 440.0, 8000.0]))), [20, 440, 8000], rtol=1e-12)


def test_mel_filters_are_triangles() -> None:
    count, size, rate = 10, 400, 16000
    edges = [hertz(i * mel(rate / 2) / (count + 1)) for i in range(count + 2)]
    for i, row in enumerate(mel_filters(count, size, rate)):
        expected = np.interp(np.arange(size // 2 + 1) * rate / size, edges[i : i + 3], [0, 1, 0])
        np.testing.assert_allclose(row, expected, atol=1e-12)


def test_the_cosines_are_those_of_scipy() -> None:
    fft = pytest.importorskip("scipy.fft", reason="a reference")
    x = np.random.default_rng(0).normal(size=(3, 26))
    np.testing.assert_allclose(x @ cosines(13, 26).T, fft.dct(x, norm="ortho")[:, :13], atol=1e-13)


def test_all_coefficients_give_the_spectrum_back() -> None:
    x = np.random.default_rng(0).normal(size=(3, 26))
    np.testing.assert_allclose(mel_spectrum(x @ cosines(26, 26).T), x, atol=1e-13)


def test_a_louder_sound_differs_in_the_first_coefficient_alone() -> None:
    """The logarithm of every filter grows by log 4, so the first coefficient by log 4 sqrt(26)."""
    sound = np.random.default_rng(0).normal(size=4000)
    quiet, loud = mfcc(1000 * sound), mfcc(2000 * sound)
    assert quiet.shape == ((4000 - 551) // 220 + 1, 13)
    np.testing.assert_allclose(loud[:, 0] - quiet[:, 0], np.log(4) * np.sqrt(26), rtol=1e-6)
    np.testing.assert_allclose(loud[:, 1:], quiet[:, 1:], atol=1e-6)


# -- search ----------------------------------------------------------------------------------------


def collapsed(path: tuple[int, ...]) -> str:
    """Letters that repeat are one; then blanks are left out."""
    return "".join(LETTERS[c] for c, _ in itertools.groupby(path) if c)


def letters_of(seed: int, steps: int, used: str) -> np.ndarray:
    """Log-probabilities in which only these letters, and the blank, may come."""
    log_p = np.full((steps, len(LETTERS)), -30.0)
    codes = [LETTERS.index(c) for c in "_" + used]
    p = np.random.default_rng(seed).dirichlet(np.ones(len(codes)), steps)
    log_p[:, codes] = np.log(p)
    return log_p


@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_adds_up_all_alignments(seed: int) -> None:
    log_p = letters_of(seed, 5, "ab ")
    expected: dict[str, float] = defaultdict(float)
    codes = [LETTERS.index(c) for c in "_ab "]
    for path in itertools.product(codes, repeat=5):
        expected[collapsed(path)] += np.exp(log_p[np.arange(5), path].sum())
    found = beam_search(log_p, width=1000, least=-20)
    assert found.keys() == expected.keys() and "aa" in found
    for text, score in found.items():
        assert score == pytest.approx(np.log(expected[text]), abs=1e-9)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_its_score_is_the_loss_of_the_net() -> None:
    log_p = letters_of(3, 7, "eb ")
    for text, score in list(beam_search(log_p, width=1000, least=-20).items())[:20]:
        labels = [[LETTERS.index(c) for c in text]]
        loss = nn.functional.ctc_loss(log_p[:, None], labels, [7], [len(text)], reduction="sum")
        assert score == pytest.approx(-float(loss), abs=1e-9)


def test_the_word_model_decides_between_equal_sounds() -> None:
    number = {".": 0, "a": 1, "sea": 2, "see": 3}
    table = np.log([[0.1, 0.5, 0.1, 0.3], [0.1, 0.1, 0.7, 0.1], [0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1]])
    model = Sentences(number, table, 0.5)
    assert model("a sea", True) == pytest.approx(0.5 * np.log(0.5 * 0.7 * 0.7))
    assert model("a sea", False) == pytest.approx(0.5 * np.log(0.5))
    assert model("a sex", True) == model("a ss", False) == model("sa s", False) == -np.inf
    p = np.full((9, len(LETTERS)), 1e-6)
    for step, letters in enumerate(("s", "e", "_", "ea", "_ ", " ", "a", "_", "_")):
        p[step, [LETTERS.index(c) for c in letters]] = 1 / len(letters)
    swapped = Sentences(number, table[[0, 1, 3, 2]][:, [0, 1, 3, 2]], 0.5)
    assert [next(iter(beam_search(np.log(p), m))) for m in (model, swapped)] == ["see a", "sea a"]


def test_a_sound_of_no_word_has_no_text() -> None:
    model = Sentences({".": 0, "a": 1}, np.log(np.full((2, 2), 0.5)), 1.0)
    log_p = np.full((3, len(LETTERS)), -1000.0)
    log_p[:, LETTERS.index("z")] = 0
    assert beam_search(log_p, model) == {}


@pytest.mark.parametrize(
    ("read", "errors"),
    [
        ("wreck a nice beach", 0),
        ("wreck nice beach", 1),
        ("wreck a very nice beach", 1),
        ("wreck a nice speech", 1),
        ("recognize speech", 4),
        ("", 4),
    ],
)
def test_word_errors_are_the_fewest_changes(read: str, errors: int) -> None:
    assert word_errors("wreck a nice beach", read) == errors == word_errors(read, "wreck a nice beach")


# -- sounds and the net ----------------------------------------------------------------------------


def test_the_shipped_sounds_are_of_the_small_vocabulary() -> None:
    clips = speech.shipped()
    words = set(speech.SMALL.split())
    assert {word for part in clips.values() for clip in part for word in clip.text.split()} == words
    assert [clip.text for clip in clips["test"]] == speech.sentences(speech.TEST, words)
    assert all(clip.coefficients.shape[1] == 13 for part in clips.values() for clip in part)
    assert speech.SHIPPED.stat().st_size < 300_000


def test_the_sentences_of_the_test_are_not_in_the_text() -> None:
    words = set(speech.TEXT.replace(".", "").split())
    known, *others = (speech.sentences(text, words) for text in (speech.TEXT, speech.VALIDATION, speech.TEST))
    assert len(others[0]) == 20 and len(others[1]) == 35
    for sentences in others:
        assert not set(sentences) & set(known)
    assert not set(others[0]) & set(others[1])


def test_a_net_reads_a_sound_that_it_has_learned_and_needs_the_blank_for_it() -> None:
    """Without a blank between them, two e are one."""
    nn.manual_seed(0)
    clips = [clip for clip in speech.shipped()["train"] if "ee" in clip.text]
    clip = min(clips, key=lambda clip: len(clip.coefficients))
    net = speech.Reader(24)
    course = speech.learn(net, [clip], 60, 0.03, np.random.default_rng(0))
    assert course[-1] < 0.5 < 3 < course[0]
    log_p = speech.listen(net, [clip])[0]
    assert next(iter(beam_search(log_p))) == clip.text
    log_p[:, 0] = -np.inf
    assert "ee" not in next(iter(beam_search(log_p)))


def test_where_nobody_speaks_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not _sound.can_speak()
    with pytest.raises(FileError, match="apt-get install espeak-ng"):
        _sound.speak("hello", "en-us", 175, 50)


@pytest.mark.skipif(not _sound.can_speak(), reason="needs espeak-ng")
def test_a_voice_speaks_the_phrases_alike() -> None:
    """Apart from the noise, whose generator is the same."""
    clips = [speech.said(phrase, ("m1",), np.random.default_rng(0)) for phrase in speech.PHRASES]
    np.testing.assert_array_equal(*(clip.coefficients for clip in clips))
    other = speech.said("wreck a beach", ("m1",), np.random.default_rng(0))
    assert other.coefficients.shape != clips[0].coefficients.shape
