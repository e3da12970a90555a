import copy
import pickle

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import AxisError, DataError, OptionError, ShapeError
from nn.utils import prune


def layer(kind="linear", seed=0):
    nn.manual_seed(seed)
    return (nn.Linear(5, 4) if kind == "linear" else nn.Conv2d(3, 4, 2)).double()


def zeros(module):
    return int((module.weight.numpy() == 0).sum())


def test_the_smallest_go_first_and_then_the_smallest_of_the_rest():
    module = layer()
    sizes = np.sort(np.abs(module.weight.numpy()).ravel())
    prune.l1_unstructured(module, "weight", amount=0.5)
    np.testing.assert_array_equal(np.sort(np.abs(module.weight.numpy()).ravel())[10:], sizes[10:])
    assert zeros(module) == 10
    prune.l1_unstructured(module, "weight", amount=0.5)
    assert zeros(module) == 15
    np.testing.assert_array_equal(np.sort(np.abs(module.weight.numpy()).ravel())[15:], sizes[15:])
    prune.random_unstructured(module, "weight", amount=5)
    assert zeros(module) == 20


def test_scores_stand_in_for_sizes():
    module = layer()
    prune.l1_unstructured(module, "weight", amount=3, importance_scores=np.arange(20.0).reshape(4, 5) - 9)
    np.testing.assert_array_equal(np.flatnonzero(module.weight.numpy() == 0), [8, 9, 10])


def test_an_optimizer_goes_on_with_what_is_left():
    module = layer()
    optimizer = nn.optim.SGD(module.parameters(), lr=0.1)
    prune.l1_unstructured(module, "weight", amount=0.6)
    before, mask = module.weight.numpy().copy(), module.weight_mask
    (module(np.ones((2, 5))) ** 2).sum().backward()
    assert (module.weight_orig.grad.numpy()[mask == 0] == 0).all()
    optimizer.step()
    after = module.weight.numpy()
    assert (after[mask == 0] == 0).all()
    assert (after[mask == 1] != before[mask == 1]).all()
    kept = module.weight_orig
    prune.remove(module, "weight")
    assert module.weight is kept
    assert [name for name, _ in module.named_parameters()] == ["bias", "weight"]
    np.testing.assert_array_equal(module.weight.numpy(), after)


def test_a_pruned_model_is_saved_copied_and_pickled():
    module = nn.Sequential(layer(), nn.ReLU(), nn.Linear(4, 2).double())
    prune.random_unstructured(module[0], "weight", amount=0.3)
    assert prune.is_pruned(module) and not prune.is_pruned(module[2])
    x = np.ones((1, 5))
    expected = module(x).numpy()
    fresh = nn.Sequential(prune.identity(layer(seed=1), "weight"), nn.ReLU(), nn.Linear(4, 2).double())
    fresh.load_state_dict(module.state_dict())
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), fresh):
        np.testing.assert_array_equal(twin(x).numpy(), expected)
        twin[0].weight_orig.data = twin[0].weight_orig.data * 2
        assert not np.array_equal(twin(x).numpy(), expected)
    np.testing.assert_array_equal(module(x).numpy(), expected)


def test_a_mask_is_of_the_weights_dtype_and_follows_it():
    module = prune.identity(nn.Linear(3, 2), "weight")
    assert module(np.ones((1, 3), np.float32)).dtype == np.float32
    assert module.double()(np.ones((1, 3))).dtype == np.float64


def test_mistakes_are_told():
    module = layer()
    with pytest.raises(DataError, match="no parameter 'wieght' of its own; it has weight, bias"):
        prune.l1_unstructured(module, "wieght", 0.5)
    for amount in (-1, 21, 1.5, -0.1, True, float("nan"), "half"):
        with pytest.raises(OptionError, match="0.0 to 1.0"):
            prune.random_unstructured(module, "weight", amount)
    with pytest.raises(ShapeError, match=r"\(4, 5\).*\(4,\)"):
        prune.custom_from_mask(module, "weight", np.ones(4))
    with pytest.raises(ShapeError, match="scores"):
        prune.l1_unstructured(module, "weight", 1, np.ones(4))
    with pytest.raises(AxisError, match="dim=2"):
        prune.ln_structured(module, "weight", 1, 2, dim=2)
    with pytest.raises(OptionError, match="L1Unstructured"):
        prune.global_unstructured([(module, "weight")], nn.Linear, amount=0.5)
    with pytest.raises(DataError, match="not pruned"):
        prune.remove(module, "weight")
    assert not prune.is_pruned(module)
    prune.identity(module, "weight")
    with pytest.raises(DataError, match="computed from weight_orig, weight_mask"):
        module.weight = nn.Parameter(np.ones((4, 5)))
    with pytest.raises(DataError, match="would be lost"):
        nn.init.zeros_(module.weight)
    with pytest.raises(DataError, match="nothing to settle"):
        nn.utils.computed.settle(module, "bias")


# -- beside PyTorch --------------------------------------------------------------------------------

STEPS = {
    "l1": [("l1_unstructured", {"amount": 0.37})],
    "l1 twice": [("l1_unstructured", {"amount": 0.37}), ("l1_unstructured", {"amount": 3})],
    "l2 rows": [("ln_structured", {"amount": 2, "n": 2, "dim": 0})],
    "l1 columns": [("ln_structured", {"amount": 0.4, "n": 1, "dim": 1})],
    "inf rows after entries": [
        ("l1_unstructured", {"amount": 5}),
        ("ln_structured", {"amount": 1, "n": float("inf"), "dim": -2}),
    ],
    "mask": [("custom_from_mask", {"mask": None}), ("l1_unstructured", {"amount": 0.5})],
}


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["linear", "conv"])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_masks_and_states_are_torchs(torch, kind, steps):
    import torch.nn.utils.prune as torch_prune

    ours = layer(kind)
    theirs = (torch.nn.Linear(5, 4) if kind == "linear" else torch.nn.Conv2d(3, 4, 2)).double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    for function, options in steps:
        if "mask" in options:
            mask = np.random.default_rng(0).integers(0, 2, ours.weight.shape)
            options = {"mask": mask}
            torch_prune.custom_from_mask(theirs, "weight", torch.tensor(mask))
        else:
            getattr(torch_prune, function)(theirs, "weight", **options)
        getattr(prune, function)(ours, "weight", **options)
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    assert sorted(ours.state_dict()) == sorted(state)
    for name, value in ours.state_dict().items():
        np.testing.assert_array_equal(value, state[name], err_msg=name)
    x = np.random.default_rng(1).normal(size=(2, 5) if kind == "linear" else (2, 3, 4, 4))
    t = torch.tensor(x)
    np.testing.assert_allclose(ours(x).numpy(), theirs(t).detach().numpy(), rtol=1e-12)
    (ours(x) ** 2).sum().backward()
    (theirs(t) ** 2).sum().backward()
    np.testing.assert_allclose(ours.weight_orig.grad.numpy(), theirs.weight_orig.grad.numpy(), atol=1e-12)


@pytest.mark.torch
def test_global_pruning_is_torchs(torch):
    import torch.nn.utils.prune as torch_prune

    ours = nn.Sequential(layer(), nn.Linear(4, 3).double())
    theirs = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Linear(4, 3)).double()
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    scores = np.random.default_rng(2).normal(size=(3, 4))
    for _ in range(2):
        prune.global_unstructured(
            [(ours[0], "weight"), (ours[1], "weight")],
            prune.L1Unstructured,
            {(ours[1], "weight"): scores},
            amount=0.3,
        )
        torch_prune.global_unstructured(
            [(theirs[0], "weight"), (theirs[1], "weight")],
            torch_prune.L1Unstructured,
            {(theirs[1], "weight"): torch.tensor(scores)},
            amount=0.3,
        )
    for name, value in ours.state_dict().items():
        np.testing.assert_array_equal(value, theirs.state_dict()[name].numpy(), err_msg=name)


# -- what it is for --------------------------------------------------------------------------------


@pytest.mark.slow
def test_digits_are_read_as_well_with_a_tenth_of_the_weights():
    X, y = nn.datasets.load_digits("train")
    X_test, y_test = nn.datasets.load_digits("test")
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    trainer = nn.Trainer(
        model, nn.CrossEntropyLoss(), nn.optim.Adam(model.parameters(), lr=2e-3), ["accuracy"]
    )
    trainer.fit(X, y, epochs=15, verbose=False)
    dense = trainer.evaluate(X_test, y_test)["accuracy"]
    weights = [(model[0], "weight"), (model[2], "weight")]
    for amount in (0.6, 0.5, 0.5):  # as Han et al. found, more can go in several rounds than at once
        prune.global_unstructured(weights, prune.L1Unstructured, amount=amount)
        trainer.fit(X, y, epochs=15, verbose=False)
    pruned = trainer.evaluate(X_test, y_test)["accuracy"]
    print(f"dense {dense:.3f}, a tenth {pruned:.3f}")
    assert dense > 0.95
    assert pruned > dense - 0.02
    left = sum(int(np.count_nonzero(module.weight.numpy())) for module, _ in weights)
    assert left == 740
    assert isinstance(model[0].weight, ag.Tensor)
