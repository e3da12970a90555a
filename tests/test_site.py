"""The site: its links, its reference, its tutorials. The slow tests build the whole and open it."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from docs.site import reference
from docs.site.pages import DOCS, ROOT, address, for_readers, linked, source
from tests.visualize.conftest import browser as browser

# -- what a built page says ------------------------------------------------------------------------

LOADED = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}
STYLE = re.compile(r"""url\(\s*['"]?(https?:)?//|@import\s+['"](https?:)?//""")


class Page(HTMLParser):
    """The names in a page, where its links lead, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key in ("id", "name") and value:
                self.names.add(value)
            elif key in ("href", "src") and value:
                (self.loads if (tag, key) in LOADED else self.links).add(value)


def problems(site: Path) -> list[str]:
    """Links of the site that lead nowhere, and what its pages load from outside."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        place = path.relative_to(site).as_posix()
        for link in sorted(page.links | page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                found += [f"{place} loads {link}"] if link in page.loads and parts.scheme != "data" else []
                continue
            start = site if parts.path.startswith("/") else path.parent
            target = Path(os.path.normpath(start / unquote(parts.path).lstrip("/"))) if parts.path else path
            nameless = target in pages and unquote(parts.fragment) not in {"", *pages[target].names}
            if nameless or not target.exists():
                found.append(f"{place} links {link}")
    for path in site.rglob("*.css"):
        if STYLE.search(path.read_text(encoding="utf-8")):
            found.append(f"{path.relative_to(site).as_posix()} loads from outside")
    return found


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ('<a href="b.html#there">b</a><a href="https://example.org">out</a><img src="data:image/png;,">', []),
        ('<a href="c.html">c</a>', ["a.html links c.html"]),
        ('<a href="b.html#gone">b</a>', ["a.html links b.html#gone"]),
        ('<a href="#gone">a</a>', ["a.html links #gone"]),
        ('<img src="gone.svg">', ["a.html links gone.svg"]),
        ('<script src="https://example.org/a.js"></script>', ["a.html loads https://example.org/a.js"]),
        ('<link href="//example.org/a.css">', ["a.html loads //example.org/a.css"]),
    ],
)
def test_a_planted_fault_is_found(tmp_path: Path, planted: str, found: list[str]) -> None:
    (tmp_path / "a.html").write_text(planted, encoding="utf-8")
    (tmp_path / "b.html").write_text('<p id="there">', encoding="utf-8")
    (tmp_path / "a.css").write_text("a { background: url(here.png) }", encoding="utf-8")
    assert problems(tmp_path) == found
    (tmp_path / "a.css").write_text("@import 'https://example.org/font.css'", encoding="utf-8")
    assert problems(tmp_path)[-1] == "a.css loads from outside"


# -- pages -----------------------------------------------------------------------------------------


def test_links_of_the_repository_become_links_of_the_site() -> None:
    text = (
        "[a](compile.md#fusion) [b](../examples/digits.py) "
        "[c](tutorials/own_op.ipynb) [d](../examples/lectures)"
    )
    moved, named = linked(text, DOCS / "new.md", Path("new.md"))
    assert moved == (
        "[a](compile.md#fusion) [b](source/examples/digits.md) "
        "[c](tutorials/own_op.md) [d](source/examples/lectures.md)"
    )
    assert ROOT / "examples/digits.py" in named and len(named) == 4


def test_links_from_below() -> None:
    path = DOCS / "tutorials" / "new.ipynb"
    moved, _ = linked("[a](../compile.md) [b](../../CONTRIBUTING.md#add-an-op)", path, address(path))
    assert moved == "[a](../compile.md) [b](../CONTRIBUTING.md#add-an-op)"


def test_what_is_no_link_to_a_file_stays() -> None:
    text = "[a](https://example.org) [b](gone.md) [c](#here) `x[0](1)`"
    assert linked(text, DOCS / "new.md", Path("new.md")) == (text, set())


def test_sessions_are_marked_so_that_prompts_are_not_copied() -> None:
    page = "```python\n>>> f(x)    # doctest: +SKIP\n1\n```\n\n```python\nf(x)\n```\n"
    assert for_readers(page) == "```pycon\n>>> f(x)\n1\n```\n\n```python\nf(x)\n```\n"


def test_a_program_of_the_lectures_has_its_number_its_picture_and_its_source() -> None:
    path = ROOT / "examples/lectures/xor_mlp.py"
    page = source(path, {"xor_mlp": "All four right.\n\n![XOR](pictures/lectures/xor_mlp.png)"})
    assert page.startswith("# xor_mlp\n\n[All programs](../lectures.md)\n\nXOR learned by backpropagation")
    assert "All four right." in page and "(../../../pictures/lectures/xor_mlp.png)" in page
    assert path.read_text(encoding="utf-8") in page


# -- reference -------------------------------------------------------------------------------------


def described(value: int, *, scale: float = 2.0) -> float:
    """A number times scale, for x_i * y_i and `x[i]` in [0, 1].

    Args:
        value: a number
            of some size.
        scale: what the number is multiplied by.

    Returns:
        The product.

    Raises:
        ValueError: never.

    Source:
        A. Author, "A book", 2000.

    Example:
        >>> 1 + 1
        2
    """
    return value * scale


def test_a_docstring_becomes_a_page() -> None:
    assert reference.entry("described", described) == (
        "``` { .python .signature }\ndescribed(value: int, *, scale: float = 2.0) -> float\n```\n\n"
        "A number times scale, for x\\_i \\* y\\_i and `x[i]` in \\[0, 1\\].\n\n"
        "**Arguments**\n\n"
        "- `value`: a number of some size.\n- `scale`: what the number is multiplied by.\n\n"
        "**Returns**\n\nThe product.\n\n"
        "**Errors**\n\n- `ValueError`: never.\n\n"
        '**Source**\n\nA. Author, "A book", 2000.\n\n'
        "**Example**\n\n```pycon\n>>> 1 + 1\n2\n```"
    )


def test_every_public_name_stands_on_one_page() -> None:
    names = ["autograd_lite", "nn", "nn.layers", "nn.losses", "visualize"]
    pages = dict(reference.pages(names))
    import autograd_lite
    import nn
    import visualize

    for module in (autograd_lite, nn, visualize):
        for name in reference.public(module):
            owners = [page for page in names if f"\n## {name} {{ #{page}.{name} }}" in pages[page]]
            assert len(owners) == 1, name


class Counter:
    def add(self: Any, n: int = 1, dtype: type = float) -> int:
        return n

    @classmethod
    def zero(cls) -> Counter:
        return cls()


class Pair(NamedTuple):
    a: Path
    b: int


def test_signatures_are_those_of_the_caller() -> None:
    assert reference.signature("add", Counter.add) == "add(n: int = 1, dtype: type = float) -> int"
    assert reference.signature("Pair", Pair) == "Pair(a: Path, b: int)"
    assert reference.signature("zero", Counter.zero) == "zero() -> Counter"
    assert reference.signature("zero", vars(Counter)["zero"].__func__) == "zero() -> Counter"


@pytest.mark.parametrize(
    ("said", "shown"),
    [("a *leaf*, a * b * c", "a *leaf*, a \\* b \\* c"), ("*args and **kw", "\\*args and \\*\\*kw")],
)
def test_emphasis_stays_and_products_too(said: str, shown: str) -> None:
    assert reference.escaped(said) == shown


def test_names_of_the_reference_are_links() -> None:
    anchors = {"autograd_lite.grad": "autograd_lite.md#autograd_lite.grad"}
    link = "[`ag.grad`](autograd_lite.md#autograd_lite.grad)"
    assert reference.crossed("`ag.grad` and `ag.grad(f)`", anchors) == f"{link} and `ag.grad(f)`"


# -- tutorials -------------------------------------------------------------------------------------


def test_notebooks_are_stored_without_results() -> None:
    paths = sorted((DOCS / "tutorials").glob("*.ipynb"))
    assert len(paths) >= 9
    for path in paths:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert cells[0]["cell_type"] == "markdown" and cells[0]["source"][0].startswith("# ")
        for cell in cells:
            assert not cell.get("outputs") and cell.get("execution_count") is None, path.name


# -- the whole -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    needed = ("material", "nbclient", "ipykernel", "matplotlib", "sklearn", "onnx")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: not installed")
    folder = tmp_path_factory.mktemp("site")
    places = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")
    environment = {**os.environ, **{name: str(folder / name) for name in places}}
    environment.pop("MPLBACKEND", None)
    command = [sys.executable, "-m", "docs.site", "--out", str(folder / "site")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.mark.slow
def test_no_link_is_broken_and_nothing_is_loaded_from_outside(site: Path) -> None:
    assert len(list(site.rglob("*.html"))) > 100
    assert problems(site) == []


@pytest.mark.slow
def test_tutorials_show_what_they_compute(site: Path) -> None:
    import nbformat

    for path in (DOCS / "tutorials").glob("*.ipynb"):
        notebook = nbformat.read(site / "tutorials" / path.name, as_version=4)
        nbformat.validate(notebook)
        shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert shown and all(output.get("name") != "stderr" for output in shown), path.name
        page = (site / "tutorials" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert f'href="{path.name}"' in page
    page = (site / "tutorials" / "first_gradient.html").read_text(encoding="utf-8")
    assert "step 2000" in page  # what a loop prints


@pytest.mark.slow
def test_the_gallery_opens_pages(site: Path) -> None:
    links = set(
        re.findall(r'href="(live/[\w-]+\.html)"', (site / "gallery.html").read_text(encoding="utf-8"))
    )
    assert len(links) > 10
    assert all((site / link).read_text(encoding="utf-8").startswith("<!doctype html>") for link in links)


@pytest.fixture
def address_of_the_site(site: Path) -> Any:
    """The site on a server of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_in_a_browser(browser: Any, address_of_the_site: str, width: int, scheme: str) -> None:
    """Nothing comes from outside, nothing is wider than the page, and a search finds."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    outside: list[str] = []
    errors: list[str] = []
    here = (address_of_the_site, "data:", "blob:", "about:")
    page.on("request", lambda request: None if request.url.startswith(here) else outside.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    for name in (
        "index",
        "tutorials/lecture_graphs",
        "gallery",
        "source/examples/lectures",
        "reference/visualize",
    ):
        page.goto(f"{address_of_the_site}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, name
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    if width > 1000:
        page.locator("input[placeholder=Search]").click()
        page.keyboard.type("check_grads")
        page.wait_for_selector(".md-search-result__item")
    page.close()
    assert outside == errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_copied_code_has_neither_prompts_nor_results(browser: Any, address_of_the_site: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address_of_the_site}/index.html")
    page.locator("pre button").first.click()
    page.wait_for_selector(".md-dialog--active")
    copied = page.evaluate("navigator.clipboard.readText()")
    context.close()
    lines = copied.split("\n")
    assert lines[0] == "import numpy as np"
    namespace: dict[str, Any] = {}
    exec(copied, namespace)
    assert "ag" in namespace and ">>>" not in copied and "array(" not in lines[-1].partition("(")[0]
