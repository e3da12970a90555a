"""Speech from sound: an LSTM reads letters, and a word model tells what makes sense.

espeak-ng speaks in several voices, speeds and pitches, with noise behind it. 13 coefficients for each 10 ms
(`_sound.py`) go to a bidirectional LSTM, three frames at a time. Connectionist temporal classification
trains the net to write letters, without being told when each is heard. The net learns from words in random
order, so the net knows no sentences: "sea" and "see" are one sound. The voice says "recognize speech" and
"wreck a nice beach" by the same sounds as well, as people do who speak fast.

A word model knows pairs of words from a short text. Prefix beam search (`_beam.py`) adds its log-probability
to that of the sound. The measure is the word error in a voice that the net has not heard: by sound alone,
with the vocabulary, and with the word model. The sentences are not in the text.

Without espeak-ng, and in the quick version, the sounds are those of `speech.npz`: coefficients of a small
vocabulary, which `python -m examples.lectures.speech --make` has made with espeak-ng 1.51. espeak-ng is under
the GPL; the sounds it makes are not, and the file is under the licence of this project.

Source: A. Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with
recurrent neural networks", 2006; F. Jelinek, "Statistical methods for speech recognition", 1997.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import autograd_lite as ag
import nn
from examples import program
from examples.lectures import speech_toy
from examples.lectures._beam import LETTERS, Sentences, beam_search, word_errors
from examples.lectures._sound import can_speak, mel_spectrum, mfcc, speak
from examples.pictures import BLUE, GREEN, GREY, ORANGE, save

Array = npt.NDArray[Any]

SHIPPED = Path(__file__).with_name("speech.npz")

TEXT = f"""{speech_toy.TEXT}
storms wreck a beach . storms wreck machines . machines recognize words . machines hear speech . we
recognize storms . we hear the storms . we see the beach . the beach is nice . the sea is here . the sun is
nice . we see the sun . the son is right . we write words . write the right words . the words are here .
hear the sea . a nice beach is here . see a nice sea . we recognize speech .
"""

SMALL = """
a beach hear here is machines nice recognize right sea see son speech storms sun the we words wreck write
"""
"""The vocabulary of the shipped sounds."""

PHRASES = ("recognize speech", "wreck a nice beach")
SLURRED = "[[rEk@naIspi:tS]]"
"""How the voice says both phrases, in the phonemes of espeak-ng."""

VALIDATION = """
it is hard to wreck a machine . we see the king here . the two words are hard to find . i hear a storm . we
want to write to the son of the king . the sea is nice . you can see the right beach . it is sad to scream .
the meat is here . meet the king at the sea . i scream for ice cream . we hear machines . storms wreck the
beach . write words here . we hear the words . a machine can wreck a nice beach . we want to recognize
storms . we recognize speech here . all machines recognize speech . all storms wreck a nice beach
"""

TEST = """
machines recognize speech . storms wreck a nice beach . it is hard to recognize speech . we all scream for
ice cream . the sun is hot . write the right word . we want to meet the king . we hear the sea here . the
storm can wreck a beach . i want to see the sun . a machine can write two words . the king has two machines
. you scream when you see the king . we want to recognize the right words . the son of the king is here .
come to the beach . it is nice to see the sea . the meat of the king is hot . we want to hear the rain . it
is right to recognize a king . two machines can hear the storm . i see the sun and the sea . the rain is
here . we want to find the two words . a storm is hard to see . you want ice cream when it is hot . we see
the sea . the words are right . we write the right words . the beach is here . we recognize the sea . we see
a nice beach . the storms wreck a nice beach . machines write words . we see the sun here
"""

VOICES = {
    "train": ("m1", "m2", "m3", "m4", "m6", "f1", "f2", "f3", "f5"),
    "validation": ("m7",),
    "test": ("f4",),
}
"""The voices, as variants of espeak-ng's American English."""

WEIGHTS = (1.0, 0.5, 1.5, 2.0)
"""How much the word model may count beside the sound; validation chooses, the first among equals."""

BONUS = 1.0
"""What each word adds to its log-probability; without it, phrases of many words lose against short ones."""

NOISE = 1.0
"""The deviation of the noise on the coefficients in training, relative to that of the coefficients."""

STACK = 3
"""How many frames the net reads at a time."""


class Clip(NamedTuple):
    """What was said, and the coefficients (frames, 13) of its sound."""

    text: str
    coefficients: Array


Clips = dict[str, list[Clip]]


def sentences(text: str, words: set[str]) -> list[str]:
    """Those sentences of a text that have no other words."""
    every = [" ".join(sentence.split()) for sentence in text.split(".")]
    return [sentence for sentence in every if sentence and set(sentence.split()) <= words]


# -- sounds ----------------------------------------------------------------------------------------


def record(words: set[str], count: int, rng: np.random.Generator) -> Clips:
    """So many clips of random words to learn from, and the sentences for validation and for the test."""
    units = [*sorted(words), *PHRASES]
    texts = {
        "train": [" ".join(rng.choice(units, rng.integers(3, 6))) for _ in range(count)],
        "validation": sentences(VALIDATION, words),
        "test": sentences(TEST, words),
    }
    return {
        part: [said(text, VOICES[part], rng) for text in program.shown(texts[part], part)] for part in texts
    }


def said(text: str, voices: tuple[str, ...], rng: np.random.Generator) -> Clip:
    """A text in one of these voices, at a random speed and pitch, with noise."""
    spoken = text
    for phrase in PHRASES:
        spoken = spoken.replace(phrase, SLURRED)
    voice = f"en-us+{rng.choice(voices)}"
    sound = speak(spoken, voice, speed=int(rng.integers(150, 200)), pitch=int(rng.integers(30, 71)))
    return Clip(text, mfcc(sound + rng.normal(0, 0.003, len(sound))))


def make(path: Path) -> None:
    """Write the small set of sounds; steps of 1/4 are small beside the noise, and compress well."""
    clips = record(set(SMALL.split()), 120, np.random.default_rng(0))
    every = [(part, clip) for part in clips for clip in clips[part]]
    np.savez_compressed(
        path,
        parts=[part for part, _ in every],
        texts=[clip.text for _, clip in every],
        lengths=[len(clip.coefficients) for _, clip in every],
        coefficients=np.concatenate([(clip.coefficients * 4).round() / 4 for _, clip in every]).astype("f2"),
    )
    print(f"{path}: {path.stat().st_size:,} bytes, {len(every)} clips")


def shipped() -> Clips:
    """The small set of sounds."""
    data = np.load(SHIPPED)
    each = np.split(data["coefficients"].astype(float), np.cumsum(data["lengths"])[:-1])
    clips: Clips = {}
    for part, text, coefficients in zip(data["parts"], data["texts"], each, strict=True):
        clips.setdefault(str(part), []).append(Clip(str(text), coefficients))
    return clips


# -- the net ---------------------------------------------------------------------------------------


class Reader(nn.Module):
    """Log-probabilities of letters at each step of a sound."""

    def __init__(self, hidden: int) -> None:
        self.listen = nn.LSTM(13 * STACK, hidden, bidirectional=True)
        self.write = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * hidden, len(LETTERS)))

    def forward(self, x: Any, steps: Any) -> Any:
        """From sounds (T, n, 39) of so many steps each to (T, n, letters)."""
        return nn.functional.log_softmax(self.write(self.listen(x, lengths=steps)[0]), -1)


def stacked(clip: Clip) -> Array:
    """What the net reads, (steps, 39): each coefficient with mean 0 and deviation 1, three frames a row."""
    c = clip.coefficients[: len(clip.coefficients) // STACK * STACK]
    scaled = (c - c.mean(axis=0)) / c.std(axis=0)
    return np.asarray(scaled.reshape(-1, 13 * STACK), np.float32)


def padded(arrays: list[Array]) -> tuple[Array, Array]:
    """Arrays as one (longest, n, ...), with 0 behind the shorter ones, and their lengths."""
    lengths = np.array([len(a) for a in arrays])
    out = np.zeros((lengths.max(), len(arrays), *arrays[0].shape[1:]), arrays[0].dtype)
    for i, a in enumerate(arrays):
        out[: len(a), i] = a
    return out, lengths


def loss_of(net: Reader, clips: list[Clip], noise: float = 0.0) -> Any:
    """-log P(letters | sound) of each clip, summed over all alignments."""
    x, steps = padded([stacked(clip) for clip in clips])
    y, counts = padded([np.array([LETTERS.index(c) for c in clip.text]) for clip in clips])
    if noise:
        x = x + noise * nn.random.generator.standard_normal(x.shape, np.float32)
    return nn.functional.ctc_loss(net(x, steps), y.T, steps, counts, reduction="none")


def learn(net: Reader, clips: list[Clip], epochs: int, rate: float, rng: np.random.Generator) -> list[float]:
    """Adam with one cycle of rates, on batches of 20; returns the mean loss per letter of each epoch."""
    optimizer, batches = nn.optim.Adam(net.parameters()), -(-len(clips) // 20)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * batches, pct_start=0.2)
    course = []
    net.train()
    for _ in program.shown(range(epochs), "epochs"):
        losses, letters = 0.0, 0
        for chosen in np.array_split(rng.permutation(len(clips)), batches):
            batch = [clips[i] for i in chosen]
            loss, count = np.sum(loss_of(net, batch, NOISE)), sum(len(clip.text) for clip in batch)
            optimizer.zero_grad()
            (loss / count).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses, letters = losses + loss.item(), letters + count
        course.append(losses / letters)
    return course


# -- words -----------------------------------------------------------------------------------------


def word_error(heard: list[Array], clips: list[Clip], *model: Any) -> tuple[float, list[str]]:
    """Wrong words for each word said, and the texts; `heard` are the log-probabilities of letters."""
    read = [next(iter(beam_search(log_p, *model)), "") for log_p in heard]
    errors = sum(word_errors(clip.text, text) for clip, text in zip(clips, read, strict=True))
    return errors / sum(len(clip.text.split()) for clip in clips), read


@ag.no_grad()
def listen(net: Reader, clips: list[Clip]) -> list[Array]:
    """The log-probabilities (steps, letters) of each clip."""
    net.eval()
    x, steps = padded([stacked(clip) for clip in clips])
    log_p = net(x, steps).numpy()
    return [log_p[:n, i] for i, n in enumerate(steps)]


def read(net: Reader, number: dict[str, int], table: Array, clips: Clips) -> dict[str, Any]:
    """The test by sound alone, with the vocabulary, and with the word model of the best weight."""
    heard = {part: listen(net, clips[part]) for part in ("validation", "test")}

    def model(weight: float) -> Sentences:
        return Sentences(number, table + BONUS, weight)

    weight = min(WEIGHTS, key=lambda w: word_error(heard["validation"], clips["validation"], model(w))[0])
    print(f"weight of the word model: {weight}, by validation")
    results = {
        "sound": word_error(heard["test"], clips["test"]),
        "and vocabulary": word_error(heard["test"], clips["test"], model(0.0)),
        "and word model": word_error(heard["test"], clips["test"], model(weight)),
    }
    return {
        "errors": {name: error for name, (error, _) in results.items()},
        "read": {name: texts for name, (_, texts) in results.items()},
        "words": sum(len(clip.text.split()) for clip in clips["test"]),
        "phrases": {clip.text: odds(net, model(weight), clip) for clip in clips["test"][:2]},
    }


def odds(net: Reader, model: Sentences, clip: Clip) -> tuple[float, float]:
    """How far the sound, and how far the word model speak for the first of the two phrases (log-odds)."""
    frame = clip.text
    for phrase in PHRASES:
        frame = frame.replace(phrase, "{}")
    first, second = (Clip(frame.format(phrase), clip.coefficients) for phrase in PHRASES)
    with ag.no_grad():
        losses = loss_of(net, [first, second])
    return float(losses[1] - losses[0]), model(first.text, True) - model(second.text, True)


# -- the program -----------------------------------------------------------------------------------


def draw(
    clip: Clip, log_p: Array, errors: dict[str, float], phrases: dict[str, tuple[float, float]]
) -> Figure:
    """A sound with the letters that the net reads, where it reads them; the errors; the two phrases."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(1.1, 1))
    axes = figure.add_subplot(grid[0, :])
    step = STACK / 100
    axes.imshow(
        mel_spectrum(clip.coefficients).T,
        origin="lower",
        aspect="auto",
        cmap="Blues",
        extent=(0, len(clip.coefficients) / 100, 0, 26),
    )
    best = log_p.argmax(axis=1)
    for i in np.flatnonzero((best > 0) & (best != np.append(0, best[:-1]))):
        letter = LETTERS[best[i]].replace(" ", "␣")
        axes.axvline((i + 0.5) * step, color=ORANGE, linewidth=0.6, alpha=0.6)
        axes.text((i + 0.5) * step, 26.4, letter, ha="center", va="bottom", color=ORANGE, fontsize=12)
    axes.set(xlabel="seconds", ylabel="filter, from low to high", ylim=(0, 26))
    axes.set_title(f'said: "{clip.text}"; above: the letters that the net reads', pad=26)

    left, right = (figure.add_subplot(grid[1, i]) for i in range(2))
    bars = left.bar(list(errors), [100 * error for error in errors.values()], color=(GREY, BLUE, GREEN))
    left.bar_label(bars, fmt="%.1f %%")
    left.set_title("word error in a voice not heard before")
    left.set(ylabel="words wrong, %", ylim=(0, 115 * max(errors.values())))
    left.spines[["top", "right"]].set_visible(False)
    rows = np.arange(len(phrases))[::-1]
    for shift, name, color, values in (
        (0.2, "sound", GREY, [sound for sound, _ in phrases.values()]),
        (-0.2, "word model", GREEN, [sense for _, sense in phrases.values()]),
    ):
        right.barh(rows + shift, values, 0.36, label=name, color=color)
    right.axvline(0, color="black", linewidth=0.8)
    right.set_yticks(rows, [f"{text.split()[0]} ..." for text in phrases])
    right.set_xlabel('log-odds of "recognize speech"\nagainst "wreck a nice beach"')
    right.set_title("one sound, two phrases")
    right.legend(frameon=False)
    right.spines[["top", "right"]].set_visible(False)
    return figure


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn letters from sound and pairs of words from text, then read sentences in a new voice."""
    nn.manual_seed(seed)
    rng = np.random.default_rng(seed)
    small = quick or not can_speak()
    words: set[str] = set((SMALL if small else TEXT.replace(".", "")).split())
    clips = shipped() if small else record(words, 900, rng)
    frames = {part: sum(len(clip.coefficients) for clip in clips[part]) for part in clips}
    print(f"data: {len(words)} words; " + ", ".join(f"{part} {n / 100:.0f} s" for part, n in frames.items()))

    bigrams = speech_toy.Bigrams(" . ".join(sentences(TEXT, words)) + " .")
    bigrams.learn(60 if small else 200)
    net = Reader(64 if small else 128)
    course = learn(net, clips["train"], 25, 0.02 if small else 0.01, rng)
    print(f"loss per letter: {course[0]:.2f} nats after one epoch, {course[-1]:.2f} after {len(course)}")

    found = read(net, bigrams.number, bigrams.table(), clips)
    for name, error in found["errors"].items():
        print(f"{name:<15} {error:.1%} of {found['words']} words wrong")
    for i, clip in enumerate(clips["test"][: 4 if quick else 8]):
        texts = "\n".join(f"  {name:<15} {texts[i]}" for name, texts in found["read"].items())
        print(f"said: {clip.text}\n{texts}")
    save(
        draw(clips["test"][0], listen(net, clips["test"][:1])[0], found["errors"], found["phrases"]),
        out / "speech.png",
    )
    return found | {"course": course}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    if sys.argv[1:] == ["--make"]:
        make(SHIPPED)
    else:
        alone(__file__)
