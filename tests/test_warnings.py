"""Probable mistakes give one warning; right programs give none."""

import warnings

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import MistakeWarning

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 12)
ONE = (Y > 0).astype(np.float32)
F = nn.functional


def net(*layers, outputs=3):
    return nn.Sequential(nn.Linear(4, outputs), *layers)


def heard(call):
    """The warnings of a call, as Python shows them by default: each once for a line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        call()
    return [str(w.message) for w in caught]


def train(model, loss, target, steps=3, **options):
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(X), target).backward()
        optimizer.step()


SQUASHED = {
    "a softmax layer": lambda: train(net(nn.Softmax(dim=1)), nn.CrossEntropyLoss(), Y),
    "a softmax": lambda: train(net(), lambda z, y: F.cross_entropy(F.softmax(z, dim=1), y), Y),
    "a softmax of probabilities": lambda: train(
        net(nn.Softmax(dim=1)), nn.CrossEntropyLoss(), np.eye(3, dtype=np.float32)[Y]
    ),
    "a log-softmax": lambda: train(net(nn.LogSoftmax(dim=1)), nn.CrossEntropyLoss(), Y),
    "a sigmoid": lambda: train(net(nn.Sigmoid(), outputs=1), nn.BCEWithLogitsLoss(), ONE.reshape(-1, 1)),
    "a sigmoid, squeezed": lambda: train(
        net(nn.Sigmoid(), outputs=1), lambda z, y: F.binary_cross_entropy_with_logits(z.squeeze(1), y), ONE
    ),
    "probabilities to nll_loss": lambda: train(net(nn.Softmax(dim=1)), nn.NLLLoss(), Y),
    "probabilities to kl_div": lambda: train(
        net(nn.Softmax(dim=1)), nn.KLDivLoss(reduction="batchmean"), np.full((12, 3), 1 / 3, np.float32)
    ),
}


@pytest.mark.parametrize("call", SQUASHED.values(), ids=SQUASHED)
def test_a_function_that_the_loss_applies_itself(call):
    (message,) = heard(call)
    assert "takes scores" in message or "takes log-probabilities" in message
    with pytest.warns(MistakeWarning, match="softmax|sigmoid"):
        call()


def test_the_trainer_says_it_at_the_line_of_fit():
    model = net(nn.Softmax(dim=1))
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.SGD(model.parameters(), lr=0.1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        trainer.fit(X, Y, epochs=2, batch_size=4, verbose=False)
    (warning,) = caught
    assert warning.filename == __file__
    assert "cross_entropy takes scores" in str(warning.message)


def test_what_the_advice_says_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(net(), nn.CrossEntropyLoss(), Y)
        train(net(nn.LogSoftmax(dim=1)), nn.NLLLoss(), Y)
        train(net(outputs=1), nn.BCEWithLogitsLoss(), ONE.reshape(-1, 1))
        train(net(nn.Sigmoid(), outputs=1), nn.BCELoss(), ONE.reshape(-1, 1))
        train(net(nn.LogSoftmax(dim=1)), nn.KLDivLoss(reduction="batchmean"), np.full((12, 3), 1 / 3, "f4"))
        soft = F.softmax(net()(X), dim=1).detach()  # as a target
        train(net(), nn.CrossEntropyLoss(), soft)
        train(net(nn.Softmax(dim=1), nn.Linear(3, 3)), nn.CrossEntropyLoss(), Y)


# -- a step without a backward pass ----------------------------------------------------------------


@pytest.mark.parametrize("kind", [nn.optim.SGD, nn.optim.Adam, nn.optim.RMSprop, nn.optim.AdamW])
def test_a_step_without_a_backward_pass(kind):
    model = net()
    optimizer = kind(model.parameters(), lr=0.1)

    def forgetful():
        for _ in range(3):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(X), Y)
            optimizer.step()

    (message,) = heard(forgetful)
    assert message.startswith(f"{kind.__name__}.step() changed nothing")
    assert "optimizer.zero_grad(); loss.backward(); optimizer.step()" in message


def test_zero_grad_between_backward_and_step():
    model = net()
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    nn.CrossEntropyLoss()(model(X), Y).backward()
    optimizer.zero_grad()
    with pytest.warns(MistakeWarning, match="in this order"):
        optimizer.step()


def test_steps_that_are_meant():
    model = net()
    optimizer = nn.optim.SGD([{"params": model.parameters()}, {"params": [nn.Parameter([1.0])]}], lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.CrossEntropyLoss()(model(X), Y).backward()
        optimizer.step()  # the second group has no gradient, as a frozen layer
        schedule = nn.optim.lr_scheduler.StepLR(nn.optim.SGD(net().parameters(), lr=0.1), 3)
        for _ in range(3):  # a walk through a schedule
            schedule.optimizer.step()
            schedule.step()


# -- gradients of intermediates --------------------------------------------------------------------


@pytest.mark.parametrize(
    "compute", [lambda x: x * x, lambda x: np.sum(x), lambda x: x[0], lambda x: np.stack([x, x])]
)
def test_the_gradient_of_an_intermediate(compute):
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    y = compute(x)
    y.sum().backward()
    with pytest.warns(MistakeWarning, match=r"write x\.retain_grad\(\) before the backward pass"):
        assert y.grad is None


def test_gradients_that_are_kept_or_not_expected():
    x, c = ag.Tensor([1.0, 2.0], requires_grad=True), ag.Tensor([1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert x.grad is None and c.grad is None and (c * 2).grad is None
        y = x * x
        y.retain_grad()
        assert y.grad is None
        y.sum().backward()
        assert y.grad.tolist() == [1.0, 1.0]
        z = x * 2
        z.grad = np.array([5.0, 6.0])
        assert z.grad.tolist() == [5.0, 6.0]


def test_filters_can_name_the_warnings():
    x = ag.Tensor(2.0, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MistakeWarning)
        assert (x * x).grad is None
        nn.optim.SGD([x], lr=0.1).step()
    assert issubclass(MistakeWarning, UserWarning)
    assert issubclass(MistakeWarning, ag.AutogradLiteError)


def test_a_line_that_runs_often_says_it_once():
    x = ag.Tensor(2.0, requires_grad=True)
    assert len(heard(lambda: [(x * x).grad for _ in range(5)])) == 1
