"""An SVG picture -> PNG or PDF, by a program that is installed."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["convert", "png"]

SCALE = 1.5
"""Pixels of the PNG for each pixel of the SVG, for screens with small pixels."""


def convert(svg: str, format: str) -> bytes | None:
    """The picture as "svg", "png" or "pdf"; None if no installed program makes the format."""
    if format == "svg":
        return svg.encode()
    return png(svg) if format == "png" else _rsvg(svg, "pdf", 1) or _cairosvg(svg, "pdf", 1)


def png(svg: str) -> bytes | None:
    """The picture as PNG, by rsvg-convert, CairoSVG or Chromium; None if none of them is installed."""
    for way in (_rsvg, _cairosvg, _chromium):
        picture = way(svg)
        if picture is not None and picture.startswith(b"\x89PNG"):
            return picture
    return None


def _rsvg(svg: str, format: str = "png", scale: float = SCALE) -> bytes | None:
    program = shutil.which("rsvg-convert")
    if program is None:
        return None
    return _output([program, f"--zoom={scale}", f"--format={format}"], svg.encode())


def _cairosvg(svg: str, format: str = "png", scale: float = SCALE) -> bytes | None:
    try:
        cairosvg = importlib.import_module("cairosvg")
        return bytes(getattr(cairosvg, f"svg2{format}")(bytestring=svg.encode(), scale=scale))
    except (ImportError, OSError):  # OSError: the cairo library is missing
        return None


def _chromium(svg: str) -> bytes | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        return None
    unit = 4 / 3 if 'pt"' in svg.partition("viewBox")[0] else 1  # pixels for each point
    wide, high = (round(float(x) * unit) for x in svg.partition('viewBox="')[2].partition('"')[0].split()[2:])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "picture.svg"), Path(folder, "picture.png")
        source.write_text(svg, encoding="utf-8")
        root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # root has no sandbox
        options = [f"--screenshot={target}", f"--window-size={wide},{high}", f"--user-data-dir={folder}"]
        scale = f"--force-device-scale-factor={SCALE}"
        _output([program, "--headless", "--hide-scrollbars", scale, *root, *options, source.as_uri()], b"")
        return target.read_bytes() if target.exists() else None


def _output(command: list[str], given: bytes) -> bytes | None:
    """The output of a program; None if the program fails."""
    try:
        return subprocess.run(command, input=given, capture_output=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return None
