import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DTypeError


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.spare = nn.Linear(4, 4), nn.Linear(2, 2)
        self.again = self.first
        self.frozen = nn.Linear(4, 3).requires_grad_(False)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.frozen(self.drop(self.first(self.first(x)))), x


def test_what_is_shared_counts_once_and_what_is_called_twice_costs_twice():
    model = Tied()
    found = nn.summary(model, np.zeros((5, 4), np.float32))
    rows = {row.path: row for row in found.rows}
    assert list(rows) == ["", "first", "spare", "frozen", "drop"]
    assert rows["first"].calls == 2 and rows["first"].multiply_adds == 2 * 5 * 16
    assert rows["spare"].output is None and rows[""].output == "(5, 3), (5, 4)"
    assert found.parameters == 20 + 6 + 15 and found.trainable == 26 and found.bytes == 4 * 41
    assert found.multiply_adds == 5 * (16 + 16 + 12)
    text = str(found)
    assert "not called" in text and "(5, 4) x2" in text and "of which 15 are frozen" in text


def test_the_model_stays_as_it_is():
    model = Tied()
    model.drop.eval()
    before = model.state_dict()
    nn.summary(model, np.ones((1, 4), np.float32))
    assert model.training and not model.drop.training
    assert not ag.is_recording() or model.first.weight.grad is None
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


@pytest.mark.parametrize(
    ("layer", "inputs", "expected"),
    [
        (nn.LSTM(3, 4, batch_first=True), (np.zeros((2, 5, 3), np.float32),), 10 * (16 * 3 + 16 * 4)),
        (nn.GRUCell(3, 4), (np.zeros((2, 3), np.float32),), 2 * (12 * 3 + 12 * 4)),
        (nn.Bilinear(2, 3, 4), (np.zeros((5, 2)), np.zeros((5, 3))), 5 * 24),
        (nn.MultiheadAttention(8, 2), (np.zeros((5, 1, 8)),) * 3, 4 * 5 * 64 + 2 * 5 * 5 * 8),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, nn.Module) else "",
)
def test_multiply_adds(layer, inputs, expected):
    assert nn.summary(layer, *inputs).multiply_adds == expected


class ByKeyword(nn.Module):
    """Hooks do not hear of keyword arguments."""

    def __init__(self):
        super().__init__()
        self.conv, self.line, self.pair = nn.Conv2d(1, 2, 3), nn.Linear(8, 3), nn.Bilinear(3, 3, 4)

    def forward(self, x):
        y = self.line(x=self.conv(x=x).reshape(1, -1))
        return self.pair(input1=y, input2=y)


def test_layers_that_are_called_by_keyword_count():
    rows = nn.summary(ByKeyword(), np.zeros((1, 1, 4, 4), np.float32)).rows
    assert [row.multiply_adds for row in rows] == [72 + 24 + 36, 8 * 9, 8 * 3, 4 * 9]


def test_a_list_counts_as_the_array_of_it():
    assert nn.summary(nn.Linear(2, 3), [[1.0, 2.0], [3.0, 4.0]]).multiply_adds == 12


def test_mistakes_are_told():
    with pytest.raises(DTypeError, match=r"summary\(model, x\)"):
        nn.summary(np.zeros(3), nn.Linear(3, 2))
