"""The table of a model's boxes."""

from __future__ import annotations

import numpy as np

import nn
from visualize import draw


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

    def forward(self, x):
        return x + self.body(x)


def test_a_model_is_the_tree_of_its_modules():
    model = nn.Sequential(nn.Linear(3, 2), Skip())
    text = draw(model, np.ones((4, 3), np.float32), style="model").to_text()
    assert text.splitlines() == [
        "                          shape   parameters",
        "x                         (4, 3)",
        "Sequential                                14",
        "├─ 0 Linear               (4, 2)           8",
        "└─ 1 Skip                                  6",
        "   ├─ 1.body Sequential                    6",
        "   │  ├─ 1.body.0 Linear  (4, 2)           6",
        "   │  └─ 1.body.1 ReLU    (4, 2)",
        "   └─ add                 (4, 2)              from 0 Linear, 1.body.1 ReLU",
    ]


def test_it_is_folded_as_the_picture_is():
    model = nn.Sequential(nn.Linear(3, 2), Skip())
    text = draw(model, np.ones((4, 3), np.float32), style="model", depth=0).to_text()
    assert text.splitlines()[2].split() == ["Sequential", "(4,", "2)", "14"]
    assert "Linear" not in text


def test_norms_of_gradients_and_the_first_nan():
    model = nn.Linear(2, 1)
    text = draw(model, np.ones((1, 2), np.float32), style="model", loss=np.sum, depth=0).to_text()
    assert text.splitlines()[-1].endswith("gradient of norm 1.00")
    with np.errstate(all="ignore"):
        text = draw(nn.Tanh(), np.array([1.0, np.nan]), style="model").to_text()
    assert "first NaN of the forward pass" in text


def test_a_model_of_1000_layers_is_text_without_recursion():
    deep = nn.Sequential(*(nn.Tanh() for _ in range(1000)))
    assert draw(deep, np.ones(1), style="model").to_text().count("Tanh") == 1000
