"""Options as the fields of a class: of layers made of functions, and of optimizers."""

import copy
import inspect
import pickle
from dataclasses import KW_ONLY, field
from typing import ClassVar

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import OptionError
from nn.fields import constructor, declared


def names(function):
    return list(inspect.signature(function).parameters)


def parameter():
    return ag.Tensor([1.0, -2.0], requires_grad=True)


class SignDescent(nn.optim.Optimizer):
    steps: ClassVar[int] = 0
    params: list[ag.Tensor]
    lr: float = 0.25
    _: KW_ONLY
    floor: float = 0.0

    def begin(self, x, options):
        return {"step": 0, "last": np.zeros_like(x)}

    def update(self, x, g, state, options):
        state["step"] += 1
        state["last"] = np.sign(g) * (np.abs(g) > options["floor"])
        return x - options["lr"] * state["last"]


def stepped(optimizer):
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = ag.Tensor(p.numpy() * 2)
    optimizer.step()
    return optimizer


def test_fields_are_found_in_order_and_leave_the_class():
    class Base:
        a: int
        b: int = 2
        other: ClassVar[int] = 5
        _: KW_ONLY
        c: int = 3

    class Derived(Base):
        d: int = 4
        b: int = 20

    base = declared(Base)
    assert [(p.name, p.default) for p in base[1:]] == [("b", 2), ("c", 3)]
    assert base[0].default is inspect.Parameter.empty
    derived = declared(Derived, base)
    assert str(inspect.Signature(derived)) == "(a: int, b: int = 20, d: int = 4, *, c: int = 3)"
    assert not hasattr(Base, "b") and Base.other == 5


def test_a_constructor_binds_as_a_function_does():
    class Pair:
        first: int
        second: int = 2

    Pair.__init__ = constructor(declared(Pair), lambda pair, options: vars(pair).update(options))
    assert vars(Pair(1)) == {"first": 1, "second": 2}
    assert vars(Pair(second=3, first=4)) == {"first": 4, "second": 3}
    for args, options, message in [
        ((), {}, "missing a required argument: 'first'"),
        ((1, 2, 3), {}, "too many positional arguments"),
        ((1,), {"third": 3}, "unexpected keyword argument 'third'"),
    ]:
        with pytest.raises(TypeError, match=message) as raised:
            Pair(*args, **options)
        assert str(raised.value).startswith("Pair(first: int, second: int = 2): ")


def test_an_optimizer_of_ones_own_is_its_options_and_a_rule():
    told = [(p.name, p.default, p.kind.name) for p in inspect.signature(SignDescent).parameters.values()]
    assert told[0] == ("params", inspect.Parameter.empty, "POSITIONAL_OR_KEYWORD")
    assert told[1:] == [("lr", 0.25, "POSITIONAL_OR_KEYWORD"), ("floor", 0.0, "KEYWORD_ONLY")]
    optimizer = stepped(SignDescent([parameter()], 0.5, floor=3))
    assert repr(optimizer) == "SignDescent(lr=0.5, floor=3)"
    assert optimizer.param_groups[0]["params"][0].tolist() == [1.0, -1.5]
    assert optimizer.state_dict()["state"][0]["step"] == 1
    with pytest.raises(TypeError, match=r"SignDescent\(params.*too many positional arguments"):
        SignDescent([parameter()], 0.5, 3)
    with pytest.raises(OptionError, match=r"SignDescent\(lr=-1\): expected a number of at least 0"):
        SignDescent([parameter()], lr=-1)


def test_its_groups_and_its_state_are_those_of_any_optimizer():
    a, b = parameter(), parameter()
    optimizer = stepped(SignDescent([{"params": [a], "lr": 1.0}, {"params": [b]}]))
    assert (a.tolist(), b.tolist()) == ([0.0, -1.0], [0.75, -1.75])
    twins = parameter(), parameter()
    other = SignDescent([{"params": [twins[0]]}, {"params": [twins[1]]}])
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == 1.0
    assert other.state[twins[1]]["last"].tolist() == [1.0, -1.0]


def test_a_subclass_keeps_the_constructor_that_was_written():
    class Named(SignDescent):
        def __init__(self, params, label):
            super().__init__(params, lr=0.125)
            self.label = label

    class Renamed(Named):
        note: str = "b"

        def update(self, x, g, state, options):
            return x

    assert Renamed([parameter()], "a").label == "a"
    assert Renamed([parameter()], "a").note == "b"
    assert Renamed([parameter()], "a").defaults["lr"] == 0.125

    class Plain(nn.optim.Optimizer):
        def update(self, x, g, state, options):
            return x - options["lr"] * g

    assert stepped(Plain([parameter()], {"lr": 0.5})).param_groups[0]["params"][0].tolist() == [0.0, 0.0]


def test_a_layer_keeps_the_constructor_that_was_written():
    class Counting(nn.ReLU):
        def __init__(self):
            super().__init__()
            self.calls = 0

    class Other(Counting):
        pass

    class Slow(nn.ReLU):
        pass

    assert Other().calls == 0
    assert names(Slow) == names(nn.ReLU) == ["inplace"]


def test_a_fixed_option_is_no_argument():
    class Half(SignDescent):
        lr: float = field(default=0.5, init=False)

    assert names(Half) == ["params", "floor"]
    assert Half([parameter()]).defaults == {"lr": 0.5, "floor": 0.0}
    assert "amsgrad" in names(nn.optim.AdamW) and "decoupled_weight_decay" not in names(nn.optim.AdamW)
    assert nn.optim.AdamW([parameter()]).defaults["decoupled_weight_decay"] is True
    with pytest.raises(TypeError, match="unexpected keyword argument 'decoupled_weight_decay'"):
        nn.optim.AdamW([parameter()], decoupled_weight_decay=False)


NO_RULES = ("KFAC", "LBFGS", "LevenbergMarquardt", "NewtonCG", "Optimizer", "lr_scheduler", "swa_utils")
KINDS = [getattr(nn.optim, name) for name in nn.optim.__all__ if name not in NO_RULES]


def fitting(kind):
    """A parameter that an optimizer takes: Muon is for matrices."""
    return ag.Tensor(np.eye(2), requires_grad=True) if kind is nn.optim.Muon else parameter()


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_are_those_of_the_signature_in_its_order(kind):
    arguments = list(inspect.signature(kind).parameters.values())[1:]
    defaults = kind([fitting(kind)]).defaults
    told = {argument.name: argument.default for argument in arguments}
    assert {name: defaults[name] for name in told} == told
    assert list(defaults)[: len(told)] == list(told)
    assert repr(kind([fitting(kind)])).startswith(f"{kind.__name__}(lr={defaults['lr']}, ")


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_is_no_attribute(kind):
    optimizer = kind([fitting(kind)])
    with pytest.raises(AttributeError, match=r'write optimizer\.param_groups\[0\]\["lr"\]'):
        _ = optimizer.lr
    assert not hasattr(kind, "maximize")


@pytest.mark.parametrize("kind", KINDS)
def test_copies_go_on_like_the_first(kind):
    first = stepped(kind([fitting(kind)], lr=0.1))
    for second in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert type(second) is kind and second.defaults == first.defaults
        mine, its = (
            stepped(each).param_groups[0]["params"][0].numpy() for each in (copy.deepcopy(first), second)
        )
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("etas", [3, (0.5,), (0.5, "x"), (1.5, 2.0), (0.5, float("nan"))])
def test_etas_that_do_not_shrink_and_grow(etas):
    with pytest.raises(OptionError, match=r"Rprop: etas=.*expected 0 < etas\[0\] < 1 < etas\[1\]"):
        nn.optim.Rprop([parameter()], etas=etas)
