"""Makes the pictures of gallery.md. Run `python -m docs.gallery`, or add names to make only these."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
import nn
import visualize
from visualize import draw
from visualize.plots.figures import COLOURS, dress, panels

PICTURES = Path(__file__).with_name("pictures")
MAKERS: dict[str, Callable[[], Any]] = {}


def picture(make: Callable[[], Any]) -> Callable[[], Any]:
    """Register what makes one picture, under its name."""
    MAKERS[make.__name__.replace("_", "-")] = make
    return make


def digits() -> tuple[Any, Any]:
    """Images (n, 64) from 0 to 1, and their classes."""
    X, y = nn.datasets.load_digits("train")
    return X, y


def moons(n: int = 200) -> tuple[Any, Any]:
    """Two half circles that reach into each other."""
    rng = np.random.default_rng(0)
    angle, y = np.pi * rng.random(n), np.arange(n) % 2
    X = np.stack([np.cos(angle) + y, np.where(y, 0.4 - np.sin(angle), np.sin(angle))], axis=1)
    return (X + 0.18 * rng.normal(size=X.shape)).astype(np.float32), y


# -- graphs ----------------------------------------------------------------------------------------


class LeNet(nn.Module):
    """Convolutions for images of 28 x 28."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(self.features(x).reshape(len(x), -1))


class Reader(nn.Module):
    """A cell that reads a sequence step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(4, 8), nn.Linear(8, 2)

    def forward(self, x: Any) -> Any:
        state = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return self.head(state[0])


class Residual(nn.Module):
    """A block whose input goes on beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))

    def forward(self, x: Any) -> Any:
        return ag.relu(x + self.body(x))


def image() -> Any:
    """A digit of 8 x 8, enlarged to 28 x 28."""
    small = digits()[0][2].reshape(8, 8)
    places = np.linspace(0, 7, 28)
    rows = np.stack([np.interp(places, range(8), row) for row in small])
    return np.stack([np.interp(places, range(8), column) for column in rows.T], axis=1)[None, None].astype(
        np.float32
    )


@picture
def model_lenet() -> Any:
    return draw(LeNet(), image(), style="model")


@picture
def model_folded() -> Any:
    return draw(LeNet(), image(), style="model", depth=1, direction="LR")


@picture
def model_pictures() -> Any:
    return draw(LeNet().features, image(), style="model", values="pictures", legend=False)


@picture
def model_repeated() -> Any:
    return draw(Reader(), np.ones((2, 3, 4), np.float32), style="model")


@picture
def model_unrolled() -> Any:
    return draw(Reader(), np.ones((2, 3, 4), np.float32), style="model", unroll=True)


@picture
def flow_residual() -> Any:
    model = nn.Sequential(nn.Linear(4, 16), Residual())
    return draw(model, np.ones((8, 4), np.float32), style="model", flow=True, loss=np.mean)


@picture
def flow_vanishing() -> Any:
    model = nn.Sequential(*(layer for _ in range(4) for layer in (nn.Linear(10, 10), nn.Sigmoid())))
    return draw(model, np.ones((5, 10), np.float32), style="model", flow=True, loss=np.mean, theme="dark")


def exclusive_or() -> Any:
    """A network of 2-2-1 neurons that tells which of two inputs is alone."""
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    first.weight.data[:], first.bias.data[:] = [[5, 5], [4, 4]], [-2, -6]
    second.weight.data[:], second.bias.data[:] = [[6, -7]], [-2.5]
    return nn.Sequential(first, nn.Sigmoid(), second, nn.Sigmoid())


def half_squared_error(y: Any) -> Any:
    return np.sum((y - 1) ** 2) / 2


@picture
def neurons_xor() -> Any:
    return draw(exclusive_or(), np.array([0.0, 1.0]), style="neurons", loss=half_squared_error)


@picture
def neurons_mnist() -> Any:
    model = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10), nn.Softmax(-1))
    return draw(model, image().reshape(1, 784), style="neurons")


@picture
def neurons_lstm() -> Any:
    return draw(nn.LSTM(3, 2), np.ones((5, 1, 3)), style="neurons", loss=lambda state: np.sum(state[0]))


@picture
def ops_mlp() -> Any:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    with ag.detect_anomaly():
        return draw(model, np.ones((4, 2), np.float32), style="ops", loss=np.mean)


@picture
def ops_nan() -> Any:
    x = ag.Tensor([0.0, 1.0, 2.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"), ag.Tape():
        y = np.sum(np.log(x) * x)
        y.backward()
    return draw(y, style="ops")


@picture
def ops_error() -> Any:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(3, 1))
    try:
        return model(np.ones((5, 2), np.float32))
    except ag.errors.ShapeError as error:
        return draw(error)


@picture
def lecture_dark() -> Any:
    return draw(
        lambda x, w, b: ag.sigmoid(x * w + b), 1.0, 2.0, -3.0, loss=lambda y: y, theme="dark", legend=True
    )


@picture
def lecture_rounding() -> Any:
    def height(x: Any) -> Any:
        return (1 - np.cos(x)) / x**2

    return draw(height, 1e-5, loss=lambda y: y, rounding=True, legend=True)


@picture
def lecture_full() -> Any:
    W, x = (
        ag.Tensor([[1.0, 2.0], [-1.0, 0.5]], requires_grad=True, name="W"),
        ag.Tensor([1.0, -2.0], name="x"),
    )
    with ag.Tape():
        f = np.sum((W @ x) ** 2)
        f.backward()
    return draw(f, values="full")


@picture
def plan_layers() -> Any:
    """Two layers, a loss and their gradients, as `ag.compile` runs them."""

    def loss(w: Any, v: Any, x: Any, y: Any) -> Any:
        h = np.tanh(x @ w)
        return np.mean((h @ v - y) ** 2)

    gradient = ag.compile(ag.grad(loss, argnums=(0, 1)), exact=True)
    return draw(gradient.plan(np.ones((100, 100)), np.ones(100), np.ones((1000, 100)), np.ones(1000)))


# -- plots -----------------------------------------------------------------------------------------


@picture
def plot_learning_curves() -> Any:
    (X, y), model = digits(), nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    stopping = nn.EarlyStopping(patience=8)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics=["accuracy"], callbacks=stopping)
    history = trainer.fit(
        X[:100], y[:100], epochs=60, batch_size=32, validation_data=(X[300:600], y[300:600]), verbose=False
    )
    return visualize.learning_curves(history, best_epoch=stopping.best_epoch)


@picture
def plot_schedules() -> Any:
    schedules = nn.optim.lr_scheduler

    def optimizer() -> Any:
        return nn.optim.SGD([ag.Tensor(0.0, requires_grad=True)], lr=0.1)

    return visualize.learning_rate_schedules(
        {
            "StepLR": schedules.StepLR(optimizer(), step_size=15, gamma=0.5),
            "ExponentialLR": schedules.ExponentialLR(optimizer(), gamma=0.95),
            "CosineAnnealingLR": schedules.CosineAnnealingLR(optimizer(), T_max=60),
            "OneCycleLR": schedules.OneCycleLR(optimizer(), max_lr=0.1, total_steps=60),
        },
        steps=60,
    )


@picture
def plot_decision_regions() -> Any:
    X, y = moons()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(model.parameters(), lr=0.02))
    trainer.fit(X, y, epochs=40, batch_size=20, verbose=False)
    return visualize.decision_regions(model, X, y, names=["upper", "lower"])


@picture
def plot_activations() -> Any:
    return visualize.activation_functions(
        {
            "sigmoid": ag.sigmoid,
            "tanh": np.tanh,
            "ReLU": nn.ReLU(),
            "leaky ReLU": nn.LeakyReLU(0.1),
            "GELU": nn.GELU(),
            "softplus": ag.softplus,
        }
    )


def trained() -> tuple[nn.Module, Any, Any, visualize.LayerWatch]:
    """A convolutional network after an epoch and a half, what it has not seen, and what went on inside."""
    X, y = digits()
    X = X.reshape(-1, 1, 8, 8)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(model.parameters(), lr=0.005))
    with visualize.LayerWatch(model) as watch:
        trainer.fit(X[:600], y[:600], epochs=3, batch_size=32, verbose=False)
    return model, X[600:1200], y[600:1200], watch


@picture
def plot_histograms_of_activations() -> Any:
    return trained()[3].histograms(columns=2)


@picture
def plot_histograms_of_gradients() -> Any:
    return trained()[3].histograms("gradients", columns=2)


@picture
def plot_weights() -> Any:
    (X, y), model = digits(), nn.Linear(64, 10)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(model.parameters(), lr=0.01))
    trainer.fit(X, y, epochs=10, batch_size=64, verbose=False)
    return visualize.weight_images(model, columns=5)


@picture
def plot_heat() -> Any:
    return visualize.heat(ag.jacobian(ag.softmax)(np.linspace(-1, 1, 7)))


@picture
def plot_sparsity() -> Any:
    def laplacian(u: Any) -> Any:
        inner = np.pad(np.reshape(u, (6, 6)), 1)
        around = inner[2:, 1:-1] + inner[:-2, 1:-1] + inner[1:-1, 2:] + inner[1:-1, :-2]
        return np.ravel(around - 4 * inner[1:-1, 1:-1])

    return visualize.sparsity(ag.sparse_jacobian(laplacian).prepare(np.zeros(36)))


@picture
def plot_movers() -> Any:
    """A weight along a run, and the samples that moved it most in one step."""
    from matplotlib.figure import Figure

    X, y = digits()
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    recorder = nn.callbacks.Recorder()
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=recorder)
    trainer.fit(X, y, epochs=3, batch_size=50, verbose=False)
    course = [recorder.at(step).weights["2.weight"][7, 5] for step in recorder.steps]
    step = int(np.argmax(np.abs(np.diff(course))))
    movers = recorder.movers("2.weight", (7, 5), step)
    figure = Figure(figsize=(9.2, 3.0), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.1, 1))
    axes = left.subplots()
    axes.plot(recorder.steps, course, color=COLOURS[0], lw=1.8)
    axes.plot([step, step + 1], course[step : step + 2], color=COLOURS[1], lw=3.5)
    axes.set(xlabel="step", ylabel="a weight of the digit 7")
    dress(axes)
    right.suptitle(f"step {step}: gradient {movers.gradient:+.3f}", fontsize=10)
    for pane, (sample, part) in zip(right.subplots(2, 4).flat, movers, strict=False):
        pane.imshow(X[sample].reshape(8, 8), cmap="gray_r")
        pane.set_title(f"{part:+.4f}", fontsize=8)
        pane.set_axis_off()
    return figure


@picture
def plot_schedule() -> Any:
    return visualize.schedule(35, 3)


@picture
def plot_implicit() -> Any:
    """A validation loss with slopes by the implicit function theorem; a beam, and where stiffness helps."""
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    X, V, truth = rng.normal(size=(20, 8)), rng.normal(size=(30, 8)), rng.normal(size=8)
    y, v = X @ truth + 2 * rng.normal(size=20), V @ truth
    ridge = ag.implicit.argmin(lambda w, s: np.sum((X @ w - y) ** 2) + np.exp(s) * np.sum(w**2))

    def validation(s: Any) -> Any:
        return np.mean((V @ ridge(np.zeros(8), s) - v) ** 2)

    figure = Figure(figsize=(9.2, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    strengths = np.linspace(-3, 5, 60)
    left.plot(strengths, [validation(s) for s in strengths], color="#1f77b4")
    for s in np.linspace(-2.4, 4.4, 6):
        value, slope = ag.value_and_grad(validation)(s)
        left.plot([s - 0.6, s + 0.6], [value - 0.6 * slope, value + 0.6 * slope], color="#d62728", lw=1.5)
        left.plot(s, value, "o", color="#d62728", ms=4)
    left.set(
        title="ridge regression: slopes through the fit", xlabel="log strength", ylabel="validation loss"
    )

    n = 99
    x, load = np.linspace(0, 1, n + 2)[1:-1], np.exp(-((np.linspace(0, 1, n + 2)[1:-1] - 0.3) ** 2) / 0.01)

    def beam(k: Any) -> Any:
        second = (np.eye(n, k=1) - 2 * np.eye(n) + np.eye(n, k=-1)) * (n + 1) ** 2
        i, m, j = np.nonzero((second[:, :, None] != 0) & (second[None] != 0))
        return ag.implicit.spsolve((second[i, m] * second[m, j] * k[m], (i, j)), load)

    gain = -ag.grad(lambda k: np.mean(load * beam(k)))(np.ones(n))
    w = beam(np.ones(n))
    right.plot([0, *x, 1], [0, *-w / w.max(), 0], color="#1f77b4", lw=2, label="deflection")
    right.fill_between(x, gain / gain.max(), color="#d62728", alpha=0.3, label="gain by stiffness")
    right.fill_between(x, 0.3 * load, color="#7f7f7f", alpha=0.5, label="load")
    right.plot([0, 1], [0, 0], "^", color="black", ms=8, clip_on=False)
    right.set(title="a beam: where stiffness helps", xlabel="position", ylabel="relative to the largest")
    right.legend(fontsize=8, loc="lower right")
    return figure


@picture
def plot_sharpness() -> Any:
    """Gradient descent at three rates: the sharpness rises to 2 / rate and stays there."""
    X, y = digits()
    X, y = X[:100].astype(float), y[:100]
    figure, (losses, values) = panels("gallery", count=2, columns=2, width=4.4, height=3.4)
    for rate, colour in zip((0.1, 1 / 15, 0.05), COLOURS, strict=False):
        nn.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 20), nn.Tanh(), nn.Linear(20, 10)).double()
        weights = {name: p.numpy() for name, p in model.named_parameters()}

        def squares(w: Any, model: Any = model) -> Any:
            return np.mean(np.sum((nn.functional_call(model, w, X) - np.eye(10)[y]) ** 2, axis=1))

        steps, curve, sharp = range(2001), [], []
        for step in steps:
            loss, slope = ag.value_and_grad(squares)(weights)
            curve.append(loss)
            if step % 20 == 0:
                hessian = ag.curvature.hessian(squares, weights)
                sharp.append(ag.curvature.eigenpairs(hessian, tol=1e-3)[0][0])
            weights = {name: w - rate * slope[name] for name, w in weights.items()}
        losses.semilogy(steps, curve, color=colour, lw=1.2, label=f"rate {rate:.3f}")
        values.plot(steps[::20], sharp, color=colour, lw=1.2)
        values.axhline(2 / rate, color=colour, lw=1, ls="--")
    values.set(xlabel="step", ylabel="largest eigenvalue of the Hessian", title="dashed: 2 / rate")
    losses.set(xlabel="step", ylabel="training loss", title="gradient descent")
    losses.legend(frameon=False, fontsize=8)
    for axes in (losses, values):
        dress(axes)
    return figure


@picture
def tiny_value() -> Any:
    from autograd_lite.tiny import Value

    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    e = a * b
    d = e + c
    L = d.tanh() * -2.0
    e.label, d.label, L.label = "e", "d", "L"
    L.backward()
    return draw(L)


@picture
def course_sweep() -> Any:
    from docs.course.__main__ import pages, run
    from docs.course.grader import picture as drawn

    return drawn(run(pages()[2])["example"]())


@picture
def plot_rounding() -> Any:
    def centred(x: Any) -> Any:
        return np.sum((x - np.sum(x) / len(x)) ** 2) / len(x)

    def of_squares(x: Any) -> Any:
        mean = np.sum(x) / len(x)
        return np.sum(x * x) / len(x) - mean * mean

    def shifted(x: Any) -> Any:
        return of_squares(x - x[0])

    figure, (axes,) = panels("gallery", width=5.6, height=3.8)
    means, data = 3.0 ** np.arange(16), np.sin(np.arange(64.0))
    for f, colour, name in zip(
        (of_squares, centred, shifted),
        COLOURS[1:4],
        ("mean of squares minus square of mean", "centred", "shifted by the first number"),
        strict=True,
    ):
        found = [ag.rounding(f)(mean + data) for mean in means]
        truths = [np.var((mean + data).astype(np.longdouble)) for mean in means]
        errors = [abs(each.value - truth) for each, truth in zip(found, truths, strict=True)]
        axes.loglog(means, [each.error for each in found], color=colour, label=name)
        axes.loglog(means, np.maximum(errors, 1e-18), "o", color=colour, markersize=3.5)
    axes.set_xlabel("mean of the data")
    axes.set_ylabel("error of the variance")
    axes.legend(frameon=False, fontsize=8)
    dress(axes)
    return figure


@picture
def plot_doctor() -> Any:
    """Outputs and gradients by layer, of a deep net of sigmoids and of one of ReLUs."""

    def deep(activation: Any) -> nn.Sequential:
        layers: list[Any] = []
        for a, b in [(64, 32), *[(32, 32)] * 9]:
            layers += [nn.Linear(a, b), activation()]
        return nn.Sequential(*layers, nn.Linear(32, 10))

    nn.manual_seed(0)
    nets = {"sigmoids": deep(nn.Sigmoid), "ReLUs with He's weights": deep(nn.ReLU)}
    for p in nets["ReLUs with He's weights"].parameters():
        (nn.init.kaiming_normal_ if p.ndim > 1 else nn.init.zeros_)(p)
    figure, both = panels("gallery", count=2, columns=2, width=4.4, height=3.2)
    for (name, net), colour in zip(nets.items(), (COLOURS[1], COLOURS[0]), strict=True):
        report = ag.doctor(net, *digits(), nn.CrossEntropyLoss())
        layers = [layer for layer in report.layers if layer.op == "affine"]
        told = f"{name}: {', '.join(report.symptoms) or 'nothing found'}"
        for axes, what in zip(both, ("size", "gradient"), strict=True):
            sizes = [getattr(layer, what) for layer in layers]
            axes.semilogy(range(1, len(sizes) + 1), sizes, "o-", color=colour, markersize=4, label=told)
    for axes, title in zip(both, ("size of the output", "norm of the gradient at the output"), strict=True):
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("linear layer", fontsize=8)
        dress(axes)
    both[0].set_ylim(0.05, 20)
    both[0].legend(frameon=False, fontsize=8, loc="upper left")
    return figure


@picture
def plot_intervals() -> Any:
    def f(x: Any) -> Any:
        return np.exp(-(x**2)) * np.sin(5 * x)

    figure, both = panels("gallery", count=2, columns=2, width=4.0, height=3.2)
    x = np.linspace(-2, 2, 500)
    for axes, boxes in zip(both, (24, 120), strict=True):
        edges = np.linspace(-2, 2, boxes + 1)
        low, high = ag.enclose(f, edges[:-1], edges[1:])
        axes.bar(
            edges[:-1], high - low, np.diff(edges), low, align="edge",
            color="#c9dcf2", edgecolor=COLOURS[0], linewidth=0.4,
        )  # fmt: skip
        axes.plot(x, f(x), color=COLOURS[1], linewidth=1.4)
        axes.set_title(f"{boxes} boxes", fontsize=9)
        axes.use_sticky_edges = False
        dress(axes)
    return figure


@picture
def plot_feature_maps() -> Any:
    model, X, _, _ = trained()
    return visualize.feature_maps(model, X[:1], "1")


@picture
def plot_confusion_matrix() -> Any:
    model, X, y, _ = trained()
    with ag.no_grad():
        return visualize.confusion_matrix(y, model(X))


@picture
def plot_misclassified() -> Any:
    model, X, y, _ = trained()
    with ag.no_grad():
        return visualize.misclassified(X, y, model(X), count=15, columns=5)


@picture
def plot_loss_surface() -> Any:
    def valley(p: Any) -> Any:
        return 0.1 * (1 - p[0]) ** 2 + (p[1] - p[0] ** 2) ** 2

    paths = {}
    for name, make in {
        "SGD": lambda p: nn.optim.SGD(p, lr=0.05),
        "momentum": lambda p: nn.optim.SGD(p, lr=0.02, momentum=0.9),
        "Adam": lambda p: nn.optim.Adam(p, lr=0.1),
    }.items():
        p = ag.Tensor([-1.4, 0.6], requires_grad=True)
        optimizer, walk = make([p]), []
        for _ in range(80):
            walk.append(p.numpy().copy())
            optimizer.zero_grad()
            valley(p).backward()
            optimizer.step()
        paths[name] = np.stack(walk)
    return visualize.loss_surface(valley, paths)


def main(names: list[str]) -> None:
    for name in names or MAKERS:
        nn.manual_seed(0)
        made = MAKERS[name]()
        if isinstance(made, visualize.Graph):
            made.save(PICTURES / f"{name}.{'png' if made.values == 'pictures' else 'svg'}")
        else:
            made.savefig(PICTURES / f"{name}.png", dpi=100)


if __name__ == "__main__":
    main(sys.argv[1:])
