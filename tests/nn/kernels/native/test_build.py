"""The library is built, found, reported and turned off; without a compiler one line says so."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_lite as ag
from nn.kernels import native
from nn.kernels.native import build

ROOT = Path(__file__).parents[4]
PROGRAM = """
import numpy as np, nn
from nn.kernels import native
model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, stride=2))
y = np.sum(model(np.ones((3, 2, 9, 9), np.float32)))
y.backward()
print(native.state())
"""


def run(*command, **environment):
    """Run a program in the root of the tree; its output."""
    set_, unset = ({k: v for k, v in environment.items() if (v is None) == none} for none in (False, True))
    env = {k: v for k, v in os.environ.items() if k not in unset} | {"PYTHONPATH": str(ROOT)} | set_
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=500)


def needs_a_compiler():
    try:
        return build.compiler()
    except build.BuildError as error:
        pytest.skip(str(error))


def test_the_switch_turns_it_off():
    assert run(sys.executable, "-c", PROGRAM, AUTOGRAD_LITE_NATIVE="0").stdout.startswith("none: turned off")


def test_a_missing_or_a_foreign_library_is_no_library(tmp_path):
    out = run(sys.executable, "-c", PROGRAM, AUTOGRAD_LITE_NATIVE=str(tmp_path / "none.so")).stdout
    assert out.startswith("none: not compiled")
    (tmp_path / "foreign.so").write_bytes(b"not a library")
    out = run(sys.executable, "-c", PROGRAM, AUTOGRAD_LITE_NATIVE=str(tmp_path / "foreign.so")).stdout
    assert "does not suit this machine" in out


def test_a_library_of_other_sources_is_not_used(tmp_path, monkeypatch):
    compiler = needs_a_compiler()
    source, target = tmp_path / "old.c", tmp_path / "old.so"
    source.write_text("int level(void) { return 4; }\nunsigned fingerprint(void) { return 1; }\n")
    subprocess.run([*compiler, "-shared", "-fPIC", source, "-o", target], check=True)
    out = run(sys.executable, "-c", PROGRAM, AUTOGRAD_LITE_NATIVE=str(target)).stdout
    assert "compiled from other C files" in out


@pytest.mark.parametrize("cc", ["", "no-such-compiler"])
def test_without_a_compiler_there_is_one_line(cc, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", cc)
    with pytest.raises(build.BuildError, match="no C compiler|is not a program") as caught:
        build.build(tmp_path / "kernels.native")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_compiler_that_fails_is_one_line(monkeypatch, tmp_path):
    false = shutil.which("false")
    if false is None:
        pytest.skip("no program that fails")
    monkeypatch.setenv("CC", false)
    with pytest.raises(build.BuildError, match="false failed: exit status 1"):
        build.build(tmp_path / "kernels.native")


class App:
    """What hatchling gives a hook to speak with."""

    def __init__(self):
        self.lines = []

    def display_warning(self, line):
        self.lines.append(line)


@pytest.fixture
def hook(monkeypatch):
    """Makes the build hook for a tree."""
    pytest.importorskip("hatchling")
    monkeypatch.syspath_prepend(ROOT)
    kind = importlib.import_module("hatch_build").NativeKernels
    return lambda tree, app: kind(str(tree), {}, None, None, str(tree), "wheel", app)


@pytest.mark.parametrize("version", ["standard", "editable"])
def test_the_hook_without_a_compiler_leaves_a_pure_package(hook, version, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("AUTOGRAD_LITE_NATIVE", raising=False)
    tree, app, data = tmp_path / "tree", App(), {"force_include": {}, "pure_python": True, "tag": None}
    shutil.copytree(build.HERE, tree / "nn/kernels/native", ignore=shutil.ignore_patterns("*.native*"))
    hook(tree, app).initialize(version, data)
    assert len(app.lines) == 1 and "\n" not in app.lines[0] and "no C compiler" in app.lines[0]
    assert data == {"force_include": {}, "pure_python": True, "tag": None}


@pytest.mark.slow
def test_the_hook_puts_the_library_into_a_wheel(hook, monkeypatch, tmp_path):
    needs_a_compiler()
    monkeypatch.delenv("AUTOGRAD_LITE_NATIVE", raising=False)
    app, data = App(), {"force_include": {}, "pure_python": True}
    made = hook(ROOT, app)
    made.initialize("standard", data)
    (source,) = data["force_include"]
    assert Path(source).is_file() and app.lines == []
    assert data["force_include"][source] == "nn/kernels/native/kernels.native"
    assert not data["pure_python"] and data["tag"].startswith("py3-none-")
    made.finalize("standard", data, "")
    assert not Path(source).exists()


def test_the_configuration_says_what_runs(capsys):
    ag.show_config()
    shown = capsys.readouterr().out
    assert native.state() in shown and ag.__version__ in shown
    assert run(sys.executable, "-m", "autograd_lite", "config").stdout == shown


@pytest.mark.slow
def test_under_sanitizers(tmp_path):
    compiler = needs_a_compiler()
    found = subprocess.run(
        [*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    asan = Path(found.stdout.strip())
    if not asan.is_absolute():
        pytest.skip("the compiler has no library of the address sanitizer to load first")
    flags = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    try:
        library = build.build(tmp_path / "kernels.native", flags)
    except build.BuildError as error:
        pytest.skip(f"no sanitizers: {error}")
    done = run(
        sys.executable,
        "-m",
        "tests.nn.kernels.native.cases",
        LD_PRELOAD=str(asan.resolve()),
        ASAN_OPTIONS="detect_leaks=0",
        AUTOGRAD_LITE_NATIVE=str(library),
        OPENBLAS_NUM_THREADS="1",
    )
    assert int(done.stdout.split()[0]) > 100
    assert "ERROR" not in done.stderr and "runtime error" not in done.stderr
