"""`nn.torch.compile`: a module or a function that is replayed, in PyTorch's manner."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
import nn.torch as torch
from autograd_lite.errors import MistakeWarning, OptionError
from nn.compiled import OptimizedModule

RNG = np.random.default_rng(0)


def net() -> nn.Module:
    nn.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 3))


def test_a_module_gives_a_module_that_shares_its_parameters() -> None:
    model = net()
    compiled = torch.compile(model)
    assert isinstance(compiled, OptimizedModule)
    assert isinstance(compiled, nn.Module)
    assert list(map(id, compiled.parameters())) == list(map(id, model.parameters()))
    assert list(compiled.state_dict()) == [f"_orig_mod.{key}" for key in model.state_dict()]
    assert compiled._orig_mod is model
    assert torch.compile(nn.Linear(2, 3)).out_features == 3
    compiled.eval()
    assert not model.training
    assert not model[2].training
    x = RNG.standard_normal((6, 4)).astype(np.float32)
    with torch.no_grad():
        for k in range(5):
            model[0].bias.data += 0.5
            assert np.array_equal(compiled(x * k).numpy(), model(x * k).numpy())
    assert compiled.signatures == ["replayed: float32 (6, 4)"]


def test_state_is_loaded_and_copied() -> None:
    one, other = torch.compile(net()), torch.compile(net())
    one._orig_mod[0].weight.data += 1
    other.load_state_dict(one.state_dict())
    assert np.array_equal(other._orig_mod[0].weight.numpy(), one._orig_mod[0].weight.numpy())
    twin = copy.deepcopy(one).eval()
    x = np.ones((2, 4), np.float32)
    with torch.no_grad():
        before = [twin(x).numpy() for _ in range(4)][-1]
        one._orig_mod[0].weight.data += 1
        assert np.array_equal(twin(x).numpy(), before)


@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
def test_a_loop_written_for_pytorch_trains_alike() -> None:
    """The result of the model is on the tape: its calls stay eager, and a compiled step is replayed."""

    def run(how: str) -> list[Any]:
        model: Any = net()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        model = torch.compile(model) if how == "model" else model

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        f: Any = torch.compile(mode="reduce-overhead")(step) if how == "step" else step
        rng = np.random.default_rng(1)
        log = []
        for _ in range(6):
            loss = f(torch.tensor(rng.standard_normal((6, 4)), dtype=torch.float32), rng.integers(0, 3, 6))
            log.append((loss.item(), [p.numpy().tobytes() for p in model.parameters()]))
        if how != "eager":
            signatures = (f if how == "step" else model).signatures
            assert signatures[-1].startswith("replayed" if how == "step" else "eager")
        return log

    assert run("eager") == run("model") == run("step")


def test_a_model_whose_result_is_on_the_tape_says_what_to_compile() -> None:
    model = torch.compile(nn.Linear(2, 1))
    with pytest.warns(MistakeWarning, match="compile the whole step, with backward"):
        outs = [model(np.ones((3, 2), np.float32)) for _ in range(4)]
    outs[-1].sum().backward()
    assert model.weight.grad is not None


def test_a_decorator_with_and_without_parentheses() -> None:
    @torch.compile
    def one(x: Any) -> Any:
        return 2 * x

    @torch.compile(fullgraph=False, dynamic=False, mode="max-autotune")
    def other(x: Any) -> Any:
        return 2 * x

    for f in (one, other):
        for k in range(4):
            assert f(torch.ones(2) * k).tolist() == [2.0 * k] * 2
        assert f.signatures == ["replayed: float32 (2,)"]


@pytest.mark.parametrize("options", [{"disable": True}, {"backend": "eager"}])
def test_what_turns_compilation_off_gives_the_model_itself(options: dict[str, Any]) -> None:
    model = nn.Linear(2, 1)
    assert torch.compile(model, **options) is model
    assert torch.compile(**options)(model) is model


@pytest.mark.parametrize("options", [{"fullgraph": True}, {"dynamic": True}, {"options": {"trace": True}}])
def test_options_without_effect_say_so(options: dict[str, Any]) -> None:
    with pytest.warns(MistakeWarning, match=rf"torch.compile\({next(iter(options))}=.*has no effect"):
        f = torch.compile(lambda x: x + 1, **options)
    assert f(1.0) == 2.0


def test_unknown_options_are_refused() -> None:
    with pytest.raises(OptionError, match=r'torch.compile\(backend=.onnx.\): expected "inductor" or "eager"'):
        torch.compile(nn.Linear(2, 1), backend="onnx")
    with pytest.raises(OptionError, match=r"torch.compile\(mode=.fast.\)"):
        torch.compile(nn.Linear(2, 1), mode="fast")


def test_a_method_of_a_module_is_compiled_for_each_instance() -> None:
    class Net(nn.Linear):
        @torch.compile
        def score(self, x: Any) -> Any:
            with ag.no_grad():
                return self(x).sum()

    one, other = Net(2, 1), Net(2, 1)
    x = np.ones((3, 2), np.float32)
    for _ in range(4):
        for model in (one, other):
            assert model.score(x) == model(x).detach().sum()
