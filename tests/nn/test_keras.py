"""Models written as in Keras: the numbers of the same nets written with `nn`, and the listings' sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from autograd_lite.errors import OptionError, ShapeError
from nn import keras

L = keras.layers


@pytest.fixture
def digits() -> tuple[Any, Any]:
    X, y = nn.datasets.load_digits("train")
    return X[:100], y[:100]


def own(weights: list[Any]) -> nn.Sequential:
    """64-20-10, of a Keras model's weights."""
    model = nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10))
    names = model.state_dict()
    model.load_state_dict({name: w.T for name, w in zip(names, weights, strict=True)})
    return model


def stacked() -> keras.Model:
    model = keras.models.Sequential()
    model.add(L.Dense(20, activation="relu", input_shape=(64,)))
    model.add(L.Dense(10, activation="softmax"))
    return model


def called() -> keras.Model:
    x = L.Input(shape=(64,))
    return keras.Model(inputs=x, outputs=L.Dense(10, activation="softmax")(L.Dense(20, activation="relu")(x)))


@pytest.mark.parametrize("make", [stacked, called])
@pytest.mark.parametrize("labels", ["classes", "rows"])
def test_training_gives_the_numbers_of_the_same_net(make: Any, labels: str, digits: Any) -> None:
    nn.manual_seed(0)
    X, y = digits
    model = make()
    mine = own(model.get_weights())
    optimizer = nn.optim.SGD(mine.parameters(), lr=0.1, momentum=0.9)
    trainer = nn.Trainer(mine, nn.CrossEntropyLoss(), optimizer, "accuracy")
    expected = trainer.fit(X, y, 3, 25, shuffle=False, verbose=False)
    loss = "sparse_categorical_crossentropy" if labels == "classes" else "categorical_crossentropy"
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, metrics=["accuracy"])
    targets = y if labels == "classes" else keras.utils.to_categorical(y)
    history = model.fit(X, targets, batch_size=25, epochs=3, shuffle=False, verbose=0)
    for name, values in expected.items():
        np.testing.assert_allclose(history.history[name], values, rtol=1e-5)
    np.testing.assert_allclose(model.evaluate(X, targets), list(trainer.evaluate(X, y).values()), rtol=1e-5)
    np.testing.assert_allclose(model.predict(X), nn.functional.softmax(trainer.predict(X), -1), atol=1e-6)
    np.testing.assert_allclose(model(X).numpy(), model.predict(X), atol=1e-6)
    assert history.epoch == [0, 1, 2]


def test_the_listing_of_a_convolutional_net_has_the_books_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    """F. Chollet, "Deep learning with Python", section 5.1."""
    model = keras.models.Sequential()
    model.add(L.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)))
    model.add(L.MaxPooling2D(2))
    model.add(L.Conv2D(64, (3, 3), activation="relu"))
    model.add(L.MaxPooling2D(2))
    model.add(L.Conv2D(64, (3, 3), activation="relu"))
    model.add(L.Flatten())
    model.add(L.Dense(64, activation="relu"))
    model.add(L.Dense(10, activation="softmax"))
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == [
        *("conv2d", "maxpooling2d", "conv2d_1", "maxpooling2d_1", "conv2d_2", "flatten", "dense", "dense_1")
    ]
    sizes = ["320", "0", "18,496", "0", "36,928", "0", "36,928", "650"]
    assert [line.split()[-1] for line in lines[1:-1]] == sizes
    assert lines[-1] == "weights in all: 93,322"
    assert "(None, 26, 26, 32)" in lines[1] and "(None, 576)" in lines[6]
    assert model(np.zeros((2, 28, 28, 1), np.float32)).shape == (2, 10)


def test_images_are_channels_last() -> None:
    layer = L.Conv2D(4, 3, padding="same")
    shape = layer(keras.Input(shape=(6, 5, 2))).shape
    kernel, bias = np.random.default_rng(0).normal(size=(2, 3, 3, 2, 4)), np.arange(4.0)
    layer.set_weights([kernel[0], bias])
    x = np.random.default_rng(1).normal(size=(1, 6, 5, 2))
    y = layer(x).numpy()
    around = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    there = np.einsum("hwi,hwio->o", around[0, 2:5, 1:4], kernel[0]) + bias  # the pixel (2, 1)
    assert y.shape == (1, *shape)
    np.testing.assert_allclose(y[0, 2, 1], there, rtol=1e-5)
    np.testing.assert_array_equal(L.AveragePooling2D(2)(np.arange(8.0).reshape(1, 2, 2, 2)), [[[[3, 4]]]])


def test_branches_join_and_layers_may_be_shared() -> None:
    x = keras.Input(shape=(3,))
    shared = L.Dense(4, activation="tanh", name="shared")
    model = keras.Model(x, L.Dense(1)(L.Concatenate()([shared(x), x, shared(x)])))
    assert [layer.name for layer in model.layers] == ["shared", "concatenate", "dense"]
    values = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    W, b, V, c = model.get_weights()
    h = np.tanh(values @ W + b)
    np.testing.assert_allclose(
        model(values).numpy(), np.concatenate([h, values, h], 1) @ V + c, rtol=1e-5, atol=1e-6
    )
    assert model.get_layer("shared") is shared and model.count_params() == 16 + 12


def test_one_output_is_compared_with_a_column() -> None:
    """Targets (n,) would be broadcast against outputs (n, 1)."""
    nn.manual_seed(0)
    X = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    y = (X[:, 0] > 0) * 1
    model = keras.Sequential([L.Dense(1, activation="sigmoid", input_shape=(2,))])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "mse"])
    loss, accuracy, error = model.evaluate(X, y)  # type: ignore[misc]
    p = model.predict(X)[:, 0].astype(float)
    assert loss == pytest.approx(-np.mean(np.log(np.where(y == 1, p, 1 - p))), rel=1e-5)
    assert accuracy == np.mean((p > 0.5) == y) and error == pytest.approx(np.mean((p - y) ** 2), rel=1e-5)
    model.compile("adam", "mse")
    assert model.evaluate(X, y) == pytest.approx(np.mean((p - y) ** 2), rel=1e-5)


def test_weights_come_back_in_the_same_layout() -> None:
    model = keras.Sequential([keras.Input(shape=(4, 4, 2)), L.Conv2D(3, (2, 1)), L.BatchNormalization()])
    weights = model.get_weights()
    assert [w.shape for w in weights] == [(2, 1, 2, 3), (3,), (3,), (3,), (3,), (3,)]
    model.set_weights([w + 1 for w in weights])
    for old, new in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old + 1)
    with pytest.raises(ShapeError, match="expected"):
        model.layers[0].set_weights([weights[0]])


def test_mistakes_are_told() -> None:
    with pytest.raises(OptionError, match=r"input_shape=\(784,\)"):
        keras.Sequential([L.Dense(3)])
    with pytest.raises(OptionError, match="expected one of 'linear', 'relu'"):
        L.Dense(3, activation="rleu")
    model = keras.Sequential([L.Dense(3, input_shape=(2,))])
    with pytest.raises(OptionError, match="compile"):
        model.fit(np.ones((1, 2)), [0])
    with pytest.raises(OptionError, match="activation='softmax'"):
        model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(OptionError, match="not `inputs`"):
        keras.Model(keras.Input(shape=(2,)), L.Dense(1)(keras.Input(shape=(2,))))
