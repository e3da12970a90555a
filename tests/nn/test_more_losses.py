"""The losses beside cross entropy and squared error: against finite differences, and against PyTorch."""

import itertools

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, IndexingError, OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn.functional.ctc import ctc
from tests.helpers import check_both_orders, second_order

rng = np.random.default_rng(3)


def spread(*shape, low=-2.0, high=2.3):
    return rng.permutation(np.linspace(low, high, int(np.prod(shape)))).reshape(shape)


X, Y = spread(4, 3), spread(4, 3, low=-1.77, high=1.93)
P, Q = spread(4, 3, low=0.05, high=0.9), spread(4, 3, low=0.02, high=0.97)
SIGNS = np.where(spread(4, 3) > 0, 1.0, -1.0)
CLASSES = np.array([2, 0, 1, 1])
VARIANCES = spread(4, 3, low=0.1, high=2.0)

# name, options, inputs that are differentiated, the others
CASES = [
    ("L1Loss", {}, (X, Y), ()),
    ("HuberLoss", {}, (X, Y), ()),
    ("HuberLoss", {"delta": 0.6}, (X, Y), ()),
    ("SmoothL1Loss", {}, (X, Y), ()),
    ("SmoothL1Loss", {"beta": 0.4}, (X, Y), ()),
    ("SmoothL1Loss", {"beta": 0.0}, (X, Y), ()),
    ("PoissonNLLLoss", {}, (X,), (np.floor(P * 5),)),
    ("PoissonNLLLoss", {"log_input": False, "full": True}, (P,), (np.floor(P * 5),)),
    ("NLLLoss", {}, (X,), (CLASSES,)),
    ("NLLLoss", {"weight": np.array([0.5, 2.0, 1.0]), "ignore_index": 0}, (X,), (CLASSES,)),
    ("BCELoss", {}, (P, Q), ()),
    ("BCELoss", {"weight": spread(3, low=0.5, high=2)}, (P, Q), ()),
    ("BCEWithLogitsLoss", {}, (X, Q), ()),
    ("BCEWithLogitsLoss", {"pos_weight": np.array([3.0, 1.0, 0.5]), "weight": P}, (X, Q), ()),
    ("KLDivLoss", {}, (X, Q), ()),
    ("KLDivLoss", {"log_target": True}, (X, Y), ()),
    ("SoftMarginLoss", {}, (X,), (SIGNS,)),
    ("HingeEmbeddingLoss", {"margin": 1.5}, (X,), (SIGNS,)),
    ("MultiMarginLoss", {}, (X,), (CLASSES,)),
    ("MultiMarginLoss", {"p": 2, "margin": 0.7, "weight": np.array([0.5, 2.0, 1.0])}, (X,), (CLASSES,)),
    ("MarginRankingLoss", {"margin": 0.3}, (X, Y), (SIGNS,)),
    ("CosineEmbeddingLoss", {"margin": 0.1}, (X, Y), (SIGNS[:, 0],)),
    ("TripletMarginLoss", {}, (X, Y, P), ()),
    ("TripletMarginLoss", {"p": 1.0, "margin": 2.0, "swap": True}, (X, Y, Q), ()),
]
IDS = [f"{name}-{'-'.join(options)}" for name, options, *_ in CASES]


@pytest.mark.few(3)
@second_order
@pytest.mark.parametrize(("name", "options", "moving", "fixed"), CASES, ids=IDS)
def test_derivatives(name, options, moving, fixed, along):
    check_both_orders(lambda *xs: getattr(nn, name)(**options, reduction="none")(*xs, *fixed), moving, along)
    for reduction in ("mean", "sum"):
        loss = getattr(nn, name)(**options, reduction=reduction)
        check_grads(lambda *xs: loss(*xs, *fixed), moving, order=1)  # noqa: B023


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # PyTorch's, of kl_div
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("name", "options", "moving", "fixed"), CASES, ids=IDS)
def test_values_and_gradients_are_those_of_torch(torch, name, options, moving, fixed, reduction):
    theirs = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    xs = [ag.Tensor(x, requires_grad=True) for x in moving]
    twins = [torch.tensor(x, requires_grad=True) for x in moving]
    y = getattr(nn, name)(**options, reduction=reduction)(*xs, *fixed)
    twin = getattr(torch.nn, name)(**theirs, reduction=reduction)(*twins, *map(torch.tensor, fixed))
    np.testing.assert_allclose(y.numpy(), twin.detach().numpy(), rtol=1e-6, atol=1e-12)
    y.sum().backward()
    twin.sum().backward()
    for x, t in zip(xs, twins, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-6, atol=1e-12)


@pytest.mark.torch
def test_edges_are_those_of_torch(torch):
    """Probabilities of 0 and 1, huge scores, distances of 0, and a mean per batch."""
    F, G = nn.functional, torch.nn.functional
    p, y = np.array([0.0, 1.0, 0.0, 1.0, 0.5]), np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    for ours, theirs, a, b in [
        (F.binary_cross_entropy, G.binary_cross_entropy, p, y),
        (F.binary_cross_entropy_with_logits, G.binary_cross_entropy_with_logits, 1e3 * (2 * p - 1), y),
        (lambda a, b: F.kl_div(a, b, "sum"), lambda a, b: G.kl_div(a, b, reduction="sum"), X, P * (P > 0.3)),
        (lambda a, b: F.kl_div(a, b, "batchmean"), lambda a, b: G.kl_div(a, b, reduction="batchmean"), X, P),
        (F.smooth_l1_loss, G.smooth_l1_loss, y, y),
        (F.cosine_similarity, G.cosine_similarity, X, np.zeros((4, 3))),
        (F.pairwise_distance, G.pairwise_distance, X, Y),
    ]:
        x, t = ag.Tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
        out, twin = ours(x, b), theirs(t, torch.tensor(b))
        np.testing.assert_allclose(out.numpy(), twin.detach().numpy(), rtol=1e-6, atol=1e-12)
        out.sum().backward()
        twin.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-6, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("full", [True, False])
def test_gaussian_likelihood_is_that_of_torch(torch, full):
    v = VARIANCES.copy()
    v[0, 0] = 1e-9
    for reduction in ("none", "mean"):
        ours = nn.GaussianNLLLoss(full=full, reduction=reduction)(X, Y, v)
        theirs = torch.nn.GaussianNLLLoss(full=full, reduction=reduction)(*map(torch.tensor, (X, Y, v)))
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-6)
    check_grads(lambda *xs: nn.GaussianNLLLoss(full=full)(*xs), (X, Y, VARIANCES), order=2)


def test_the_perceptrons_gradient_is_rosenblatts_rule():
    x, y, w = spread(5, 2), np.array([1.0, -1, 1, -1, 1]), np.array([0.3, -0.8])
    gradient = ag.grad(lambda w: nn.PerceptronLoss("sum")(x @ w, y))(w)
    wrong = (x @ w) * y < 0
    np.testing.assert_allclose(-gradient, (y * wrong) @ x)
    assert wrong.any() and not wrong.all()


# -- connectionist temporal classification ---------------------------------------------------------


def by_hand(p, labels, blank=0):
    """The probability of a label sequence as a sum over every path of classes."""
    total = 0.0
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        merged = [c for c, _ in itertools.groupby(path) if c != blank]
        if merged == list(labels):
            total += np.prod([p[t, c] for t, c in enumerate(path)])
    return total


@pytest.mark.parametrize("labels", [[], [1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 1]])
def test_alignments_add_up_to_what_counting_gives(labels):
    p = rng.dirichlet(np.ones(3), size=5)
    loss = nn.functional.ctc_loss(np.log(p), [labels or [0]], [5], [len(labels)], reduction="sum")
    assert float(np.exp(-loss)) == pytest.approx(by_hand(p, labels), rel=1e-10)


def ctc_inputs():
    scores = rng.normal(size=(7, 4, 5))
    log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    targets = np.array([[1, 2, 2], [4, 1, 3], [3, 3, 3], [2, 1, 1]])
    return log_p, targets, np.array([7, 5, 6, 3]), np.array([3, 2, 3, 0])


def test_the_ctc_kernel_is_its_definition():
    log_p, targets, ends, counts = ctc_inputs()
    op = ctc
    inside = np.where(np.arange(3) < counts[:, None], targets, 0)
    results = []
    for f in (op, op.__wrapped__):
        y, pull = ag.vjp(lambda x: f(x, inside, ends, counts), log_p)  # noqa: B023
        results.append((y, *pull(np.array([1.0, -2.0, 0.5, 3.0]))))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    check_grads(lambda x: op(x, inside, ends, counts), (log_p,), order=1)


@pytest.mark.torch
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("flat", [False, True])
def test_ctc_is_that_of_torch(torch, reduction, flat):
    log_p, targets, ends, counts = ctc_inputs()
    if flat:
        targets = np.concatenate([row[:n] for row, n in zip(targets, counts, strict=True)])
    x, t = ag.Tensor(log_p, requires_grad=True), torch.tensor(log_p, requires_grad=True)
    # Through log_softmax, for PyTorch's derivative is right only of what comes out of one.
    ours = nn.CTCLoss(reduction=reduction)(ag.log_softmax(x), targets, ends, counts)
    theirs = torch.nn.CTCLoss(reduction=reduction)(
        torch.log_softmax(t, -1), *map(torch.tensor, (targets, ends, counts))
    )
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-6)
    ours.sum().backward()
    theirs.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-6, atol=1e-10)


def test_an_input_that_is_too_short_for_its_labels():
    log_p = np.log(rng.dirichlet(np.ones(3), size=(2, 2)))
    x = ag.Tensor(log_p, requires_grad=True)
    assert np.isinf(nn.CTCLoss(reduction="none")(x, [[1, 1], [1, 2]], [2, 2], [2, 2]).numpy()).tolist() == [
        True,
        False,
    ]
    loss = nn.CTCLoss(reduction="none", zero_infinity=True)(x, [[1, 1], [1, 2]], [2, 2], [2, 2])
    assert loss.numpy()[0] == 0
    loss.sum().backward()
    assert not x.grad.numpy()[:, 0].any() and x.grad.numpy()[:, 1].any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.L1Loss()(X, Y[:3]), ShapeError, r"l1_loss: input has shape \(4, 3\), target \(3, 3\)"),
        (lambda: nn.HuberLoss(delta=0)(X, Y), OptionError, "delta=0"),
        (lambda: nn.BCELoss()(X, Q), DataError, "BCEWithLogitsLoss"),
        (lambda: nn.MultiMarginLoss(p=3)(X, CLASSES), OptionError, "1 or 2"),
        (lambda: nn.MultiMarginLoss()(X, CLASSES[:2]), ShapeError, r"\(4, 3\) and target \(2,\)"),
        (lambda: nn.NLLLoss()(X, CLASSES + 1), IndexingError, "nll_loss: target"),
        (lambda: nn.KLDivLoss(reduction="all"), OptionError, "reduction='all'"),
        (lambda: nn.CTCLoss()(np.zeros((4, 2, 3)), [[1], [3]], [4, 4], [1, 1]), IndexingError, "0 to 2"),
        (lambda: nn.CTCLoss()(np.zeros((4, 2, 3)), [[1], [0]], [4, 4], [1, 1]), IndexingError, "blank 0"),
        (lambda: nn.CTCLoss()(np.zeros((4, 2, 3)), [[1], [1]], [4, 5], [1, 1]), ShapeError, "of 4 steps"),
        (
            lambda: nn.CTCLoss()(np.zeros((4, 2, 3)), [1, 1], [4, 4], [1, 2]),
            ShapeError,
            "there are 2 targets",
        ),
    ],
)
def test_mistakes_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call()
