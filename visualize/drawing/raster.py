"""An SVG picture -> PNG, by what is found on the machine."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["png"]

SCALE = 1.5
"""So many pixels for each of a screen's, as for screens of today."""


def png(svg: str) -> bytes | None:
    """The picture in pixels, by rsvg-convert, CairoSVG or Chromium; None where there is none of them."""
    for way in (_rsvg, _cairosvg, _chromium):
        picture = way(svg)
        if picture is not None and picture.startswith(b"\x89PNG"):
            return picture
    return None


def _rsvg(svg: str) -> bytes | None:
    program = shutil.which("rsvg-convert")
    if program is None:
        return None
    return _output([program, f"--zoom={SCALE}", "--format=png"], svg.encode())


def _cairosvg(svg: str) -> bytes | None:
    try:
        cairosvg = importlib.import_module("cairosvg")
        return bytes(cairosvg.svg2png(bytestring=svg.encode(), scale=SCALE))
    except (ImportError, OSError):  # OSError: without the cairo library
        return None


def _chromium(svg: str) -> bytes | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        return None
    wide, high = (
        round(float(x) * 4 / 3) for x in svg.partition('viewBox="')[2].partition('"')[0].split()[2:]
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "picture.svg"), Path(folder, "picture.png")
        source.write_text(svg, encoding="utf-8")
        root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # else it does not start
        options = [f"--screenshot={target}", f"--window-size={wide},{high}", f"--user-data-dir={folder}"]
        scale = f"--force-device-scale-factor={SCALE}"
        _output([program, "--headless", "--hide-scrollbars", scale, *root, *options, source.as_uri()], b"")
        return target.read_bytes() if target.exists() else None


def _output(command: list[str], given: bytes) -> bytes | None:
    """What a program writes; None where it fails."""
    try:
        return subprocess.run(command, input=given, capture_output=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return None
