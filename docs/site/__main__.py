"""Builds the site: `python -m docs.site [--out FOLDER]`. Nothing is loaded from the network."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from . import notebooks, pages, reference

CONFIG = Path(__file__).with_name("mkdocs.yml")


def listed(nav: Any) -> list[str]:
    """The pages in a part of the navigation, in order."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [page for part in parts for page in listed(part)]


def build(out: Path) -> None:
    """Write the site into a folder. A warning, such as a link that leads nowhere, raises `Abort`."""
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as scratch:
        folder = Path(made)
        config = load_config(str(CONFIG), docs_dir=made, site_dir=str(out.resolve()), strict=True)
        names = listed(config.nav)
        pages.written(folder)
        notebooks.written(folder, Path(scratch))
        modules = [Path(name).stem for name in names if name.startswith("reference/")]
        for module, text in reference.pages(modules):
            pages.write(folder, Path("reference", f"{module}.md"), text)
        here = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
        more = sorted(name for name in here - set(names) if not name.startswith("source/"))
        if more:
            config.nav.append({"More": more})
        mkdocs_build(config)


def main() -> int:
    """Read the command line and build; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.site", description="Build the site.")
    parser.add_argument("--out", type=Path, default=Path("out/site"), help="the folder (out/site)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        build(options.out)
    except Abort as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{options.out}/index.html; to search, python -m http.server -d {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
