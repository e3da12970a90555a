"""A browser for saved pages, whose complaints and requests fail the test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium()
    if path is None:
        pytest.skip("no chromium is installed")
    with playwright.sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open what `save` writes, by a file:// address; complaints and requests must stay away."""
    pages, complaints = [], []

    def open_page(thing: Any, **options: Any) -> Any:
        page = browser.new_page(viewport={"width": 1280, "height": 800}, **options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on(
            "request",
            lambda request: complaints.append(request.url) if len(seen) else seen.append(request.url),
        )
        seen: list[str] = []
        page.goto(thing.save(tmp_path / f"{len(pages)}.html").as_uri())
        assert len(seen) == 1
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []
