"""A small VGG: nothing but convolutions of 3x3, whose fields of view grow with the depth.

Two convolutions of 3x3 have the receptive field of one of 5x5, three that of one of 7x7. They have fewer
weights, and a rectifier between them. Backpropagation measures the field. The gradient of a neuron in the
middle of a map with respect to the image is not zero inside the field. The picture shows the mean size of
this gradient over many images: the middle of the field counts most.

Source: K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition",
2015; W. Luo et al., "Understanding the effective receptive field", 2016.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
import nn
from examples import program
from examples.lectures._photographs import EPOCHS, draw_course, learn, pictures, report
from examples.pictures import panels, save, tiles

Array = npt.NDArray[Any]


def field_of_view(layers: nn.Module, X: Array) -> Array:
    """The mean size of the gradient of the neurons in the middle with respect to each pixel."""
    x = ag.Tensor(X, requires_grad=True)
    maps = layers(x)
    maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2].sum().backward()
    assert x.grad is not None
    field: Array = np.abs(x.grad.numpy()).mean(axis=(0, 1))
    return field


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Learn, and measure how far each convolution sees."""
    nn.manual_seed(seed)
    data = pictures(quick)
    width, dropout = (8, 0.2) if quick else (16, 0.5)
    blocks = [[width, width], [2 * width, 2 * width], [4 * width, 4 * width]]
    model = nn.models.VGG(blocks, 128, data.channels, data.size, dropout=dropout)
    with program.resumable(out / f"vgg_mini-{data.name}-{seed}") as fit:
        net = learn(fit, "vgg_mini", model, data, 0.03, 5 if quick else EPOCHS)

    ends = [i + 1 for i, layer in enumerate(model.features) if isinstance(layer, nn.Conv2d)]
    fields = np.stack([field_of_view(model.features[:end], data.test[0][:100]) for end in ends])
    sides = [int((field.max(axis=0) > 0).sum()) for field in fields]
    print(f"the convolutions see {', '.join(f'{side}x{side}' for side in sides)} pixels")
    figure, (left, right) = panels(1, 2, width=5)
    draw_course(left, net)
    tiles(right, fields / fields.max(axis=(1, 2), keepdims=True), 3, "what each convolution sees")
    save(figure, out / "vgg_mini.png")
    return {"sides": sides, "table": report([net], data, out)}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
