"""Writes the pages of the repository into one folder: links between files become links between pages."""

from __future__ import annotations

import ast
import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=(#[^)\s]*)?\))")
PROMPT = re.compile(r"^```python\n(?=>>> )", re.MULTILINE)


def address(path: Path) -> Path:
    """The page of a file or folder of the repository: that of a program shows its source."""
    if path.suffix in (".py", "") or path.is_dir():
        return Path("source", path.relative_to(ROOT)).with_suffix(".md")
    inside = path.relative_to(DOCS if DOCS in path.parents else ROOT)
    return inside.with_suffix(".md") if path.suffix == ".ipynb" else inside


def linked(text: str, origin: Path, page: Path) -> tuple[str, set[Path]]:
    """The text of a file as text of a page, and the files of the repository that its links name."""
    named = set()

    def moved(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(origin.parent / match[1]))
        if ROOT not in target.parents or not target.exists():
            return match[1]  # MkDocs says which links lead nowhere
        named.add(target)
        return Path(os.path.relpath(address(target), page.parent)).as_posix()

    return LINK.sub(moved, text), named


def for_readers(text: str) -> str:
    """Sessions of Python marked as such, without the directives of doctest and the holes of the course."""
    return re.sub(r" *# (doctest|hole): .*$", "", PROMPT.sub("```pycon\n", text), flags=re.MULTILINE)


def write(folder: Path, page: Path, text: str) -> None:
    """Write one page."""
    path = folder / page
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def written(folder: Path) -> None:
    """Write the pages of docs/, those of the project, and those of the programs that they name."""
    shutil.copytree(DOCS / "pictures", folder / "pictures", dirs_exist_ok=True)
    shutil.copy(Path(__file__).with_name("style.css"), folder)
    sources = lecture_programs()
    for path in [
        *sorted(DOCS.glob("*.md")),
        *sorted((DOCS / "course").rglob("*.md")),
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
    ]:
        text, named = linked(for_readers(path.read_text(encoding="utf-8")), path, address(path))
        if path.name == "gallery.md":
            text = with_live_pages(text, folder)
        write(folder, address(path), text)
        sources |= {file for file in named if address(file).parts[0] == "source"}
    sections = lecture_sections()
    for path in sorted(sources):
        write(folder, address(path), index(path, list(sections)) if path.is_dir() else source(path, sections))


# -- programs --------------------------------------------------------------------------------------


def lecture_programs() -> set[Path]:
    """The programs of the lectures, and their folder."""
    lectures = ROOT / "examples" / "lectures"
    return {lectures, *(path for path in lectures.glob("*.py") if not path.name.startswith("_"))}


def lecture_sections() -> dict[str, str]:
    """What lectures.md says of each program: goal, numbers, pictures."""
    _, *parts = re.split(r"^## ", (DOCS / "lectures.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}


def title(path: Path) -> str:
    """The first line of a program's docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or path.name).partition("\n")[0]


def source(path: Path, sections: dict[str, str]) -> str:
    """The page of a file: for a program of the lectures with goal, numbers and pictures."""
    name, code = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    fenced = f"`````{'python' if path.suffix == '.py' else 'text'}\n{code}\n`````\n"
    if path.parent != ROOT / "examples" / "lectures":
        return f"---\nsearch:\n  exclude: true\n---\n\n# {name}\n\n{fenced}"
    said = linked(sections.get(path.stem, ""), DOCS / "lectures.md", address(path))[0]
    heading = "## The program { data-search-exclude }"
    up = f"[All programs](../{path.parent.name}.md)"
    return f"# {path.stem}\n\n{up}\n\n{title(path)}\n\n{said}\n\n{heading}\n\n`{name}`\n\n{fenced}"


def index(folder: Path, order: list[str]) -> str:
    """The page of a folder: its programs, each with its first picture in docs/pictures."""
    inside = DOCS / "pictures" / folder.name
    cards = []
    programs = sorted(folder.glob("[!_]*.py"))
    for path in sorted(programs, key=lambda path: order.index(path.stem) if path.stem in order else 1000):
        link = f"{folder.name}/{path.stem}.md"
        pictures = sorted(inside.glob(f"{path.stem}[.-]*"))
        up = "../" * (len(address(folder).parts) - 1)
        shown = [
            f"[![{path.stem}]({up}{p.relative_to(DOCS).as_posix()})]({link})\n\n    " for p in pictures[:1]
        ]
        cards.append(f"-   {''.join(shown)}[{path.stem}]({link}): {title(path)}")
    listed = "\n\n".join(cards)
    return f'# {folder.name.capitalize()}\n\n<div class="grid cards" markdown>\n\n{listed}\n\n</div>\n'


# -- the gallery -----------------------------------------------------------------------------------


def with_live_pages(text: str, folder: Path) -> str:
    """The gallery, each graph with a link to the page in which the steps answer to a click."""
    import nn
    from docs.gallery import MAKERS

    def opened(match: re.Match[str]) -> str:
        name = match[2]
        if name not in MAKERS or name.startswith("plot-"):
            return match[0]
        nn.manual_seed(0)
        (folder / "live").mkdir(exist_ok=True)
        MAKERS[name]().save(folder / "live" / f"{name}.html")
        return f"[{match[0]}](live/{name}.html)\n[Open as a page](live/{name}.html){{ .live }}"

    return re.sub(r"!\[(.*?)\]\(pictures/([\w-]+)\.\w+\)", opened, text)
