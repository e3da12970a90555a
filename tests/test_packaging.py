"""What users install: the metadata, the marker of types, and modules that can be imported."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import autograd_lite
import nn
import visualize
from autograd_lite.errors import MissingPackageError

ROOT = Path(__file__).parents[1]
PACKAGES = (autograd_lite, nn, visualize)
MODULES = sorted(
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, TOOLS = CONFIGURATION["project"], CONFIGURATION["tool"]


def test_the_version_is_the_same_everywhere() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)
    assert newest is not None
    assert newest[1] == autograd_lite.__version__


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    date = re.search(r"^date-released: (\S+)$", citation, re.MULTILINE)
    assert date is not None
    assert f"\nversion: {autograd_lite.__version__}\n" in citation
    assert f"\n## {autograd_lite.__version__} - {date[1]}\n" in changes


def test_the_classifiers_name_the_oldest_python() -> None:
    versions = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert versions[0] == PROJECT["requires-python"].removeprefix(">=") and len(versions) == 4


def test_the_installed_metadata_is_that_of_the_project() -> None:
    try:
        installed = metadata.metadata("autograd-lite")
    except metadata.PackageNotFoundError:
        pytest.skip("run from a source tree that is not installed: pip install -e '.[test]'")
    assert installed["Version"] == autograd_lite.__version__
    assert installed["Requires-Python"] == PROJECT["requires-python"]
    assert installed["License-Expression"] == "MIT"
    assert set(installed.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])


def test_the_fixture_is_installed_as_a_pytest_plugin() -> None:
    (entry,) = PROJECT["entry-points"]["pytest11"].values()
    shipped = TOOLS["hatch"]["build"]["targets"]["wheel"]["force-include"]
    (source,) = [path for path, name in shipped.items() if name == f"{entry}.py"]
    plugin = importlib.import_module(f"autograd_lite.pytest_plugin.{entry}")
    assert plugin.__file__ == str(ROOT / source)
    assert hasattr(plugin, "check_grads")


def test_an_installation_stays_small() -> None:
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert names == {"numpy", "graphviz", "safetensors", "tqdm"}
    reasons = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f"`{name}`" not in reasons] == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_types_are_shipped(package: object) -> None:
    assert (Path(package.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_what_it_promises(name: str) -> None:
    if ".scipy" in name:
        pytest.importorskip("scipy", reason="SciPy is not installed")
    try:
        module = importlib.import_module(name)
    except MissingPackageError as error:
        pytest.skip(str(error))
    assert module.__doc__, f"{name} does not say what it is for"
    promised = getattr(module, "__all__", [])
    assert [item for item in promised if not hasattr(module, item)] == []


def test_the_readme_holds_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines.count("python -m pip install -e '.[examples]' && python -m examples.digits") == 1
    assert lines.count("python -m pip install -e '.[test]' && python -m pytest") == 1
