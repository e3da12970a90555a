"""The files of the page fit together, and name nothing outside of this machine; no browser is needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from visualize.playground.options import CHECKS

PAGE = Path(__file__).parents[3] / "visualize/playground/page"
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.iterdir())}
SCRIPTS = [name for name in FILES if name.endswith(".js")]


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_imported_is_there(name):
    for names, file in re.findall(r'import (.*?) from "\./([\w.]+)"', FILES[name], re.S):
        assert file in FILES
        for one in re.findall(r"\w+", names.removeprefix("* as ")) if names.startswith("{") else []:
            assert re.search(rf"export (const|function|async function|class) \{{?.*\b{one}\b", FILES[file]), (
                one
            )


def test_every_script_is_used_and_says_what_it_is_for():
    imported = {file for text in FILES.values() for file in re.findall(r'from "\./([\w.]+)"', text)}
    assert imported | {"main.js"} == set(SCRIPTS)
    assert all(FILES[name].startswith("// ") for name in SCRIPTS)


def test_the_elements_that_scripts_look_for_are_in_the_page():
    identities = re.findall(r'\bid="([\w-]+)"', FILES["index.html"])
    assert len(identities) == len(set(identities))
    for name in SCRIPTS:
        for wanted in re.findall(r'\$\("#([\w-]+)', FILES[name]) + re.findall(
            r'click\("#([\w-]+)', FILES[name]
        ):
            assert wanted in identities, f"{name}: #{wanted}"


def test_each_option_has_a_control():
    controls = set(re.findall(r'data-option="(\w+)"', FILES["index.html"]))
    by_other_means = {"dataset", "seed", "start", "points", "features", "hidden", "edits"}
    assert controls | by_other_means == set(CHECKS) and not controls & by_other_means


def test_nothing_outside_is_named():
    for text in FILES.values():
        assert set(re.findall(r"https?://[^\s\"')]+", text)) <= {"http://www.w3.org/2000/svg"}
        assert "@import" not in text and "url(" not in text
    sources = re.findall(r'(?:src|href)="([^"]+)"', FILES["index.html"])
    assert set(sources) <= set(FILES)
    assert not re.search(
        r"<script(?![^>]*src)|\son\w+=|\sstyle=", FILES["index.html"]
    )  # what the policy forbids
