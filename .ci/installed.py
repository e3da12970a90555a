"""Does what was installed work by itself? Run with `python -I` outside of the source tree."""

import tempfile
from importlib import metadata, resources
from importlib.util import find_spec

import numpy as np

import autograd_lite as ag
import nn
import visualize

version = metadata.version("autograd-lite")
assert version == ag.__version__, (version, ag.__version__)
for package in (ag, nn, visualize):
    assert "site-packages" in str(package.__file__), f"{package.__name__} is not the installed one"
    assert (resources.files(package) / "py.typed").is_file(), f"{package.__name__} has no py.typed"
for private in ("tests", "examples", "benchmarks"):
    assert find_spec(private) is None, f"{private} was installed as a package of its own"
assert find_spec("autograd_lite_pytest") is not None, "the pytest plugin is missing"

data = resources.files("nn.datasets")
assert (data / "digits-8x8.npz").is_file(), "the digits are missing"
assert (data / "coriolanus-act-1.txt").is_file(), "the first act is missing"
assert (data / "README.md").is_file(), "the credit of the digits is missing"

playground = resources.files("visualize.playground")
for name in ("page/index.html", "page/main.js", "page/style.css", "digits-28x28.npz", "README.md"):
    assert (playground / name).is_file(), f"{name} of the playground is missing"

x = ag.Tensor([0.0, 1.0], requires_grad=True)
y = np.sum(np.tanh(x) * x)
dot = visualize.draw(y).to_dot()
y.backward()
assert np.allclose(x.grad.numpy(), [0.0, np.tanh(1.0) + 1 / np.cosh(1.0) ** 2])
assert "tanh" in dot, dot

f = ag.Tensor(2.0, requires_grad=True, name="x") * 3
with tempfile.TemporaryDirectory() as folder:
    page = visualize.backprop_steps(f).save(f"{folder}/steps.html").read_text(encoding="utf-8")
assert "{{" not in page, "a part of the page is missing"
assert "function layoutGraph" in page, "the scripts of the page are missing"

images = np.ones((2, 3, 8, 8), np.float32)
assert nn.Conv2d(3, 4, 3, padding=1)(images).shape == (2, 4, 8, 8)

print(f"autograd-lite {version} works on:")
ag.show_config()
