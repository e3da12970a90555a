"""A misspelt name, or one from another library, raises an error with the right name."""

import inspect
import pickle
import re
import warnings

import numpy as np
import pytest

import autograd_lite as ag
import nn
import visualize
from autograd_lite.errors import MissingAttributeError, MissingNameError
from autograd_lite.words.names import FOREIGN_METHODS, FOREIGN_NAMES
from nn.names import FOREIGN_NAMES as NN_NAMES
from nn.names import MODULE_METHODS, OPTIMIZER_METHODS, TRAINER_METHODS
from tests.helpers import python
from visualize.words.names import FOREIGN_NAMES as PICTURES
from visualize.words.names import PICTURE_METHODS

x = ag.Tensor([1.0, 2.0], requires_grad=True)
model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
optimizer = nn.optim.Adam(model.parameters())
trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer)


def meant(call, line):
    return pytest.param(call, line, id=line)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        meant(lambda: ag.tensor([1.0]), "write ag.Tensor(data, requires_grad=True)"),
        meant(lambda: ag.array([1.0]), "write ag.Tensor(data"),
        meant(lambda: ag.zeros((2, 3)), "write ag.Tensor(np.zeros(shape))"),
        meant(lambda: ag.Tesnor, "did you mean ag.Tensor?"),
        meant(lambda: ag.nograd, "did you mean ag.no_grad?"),
        meant(lambda: ag.loadtxt, "write np.loadtxt"),
        meant(lambda: ag.elu, "write nn.functional.elu"),
        meant(lambda: ag.unsqueeze(x, 0), "write np.expand_dims(x, axis)"),
        meant(lambda: ag.gradcheck, "write autograd_lite.testing.check_grads(f, args)"),
        meant(lambda: ag.draw_dot(x), "write visualize.draw(y)"),
        meant(lambda: nn.seed(0), "write nn.manual_seed(seed)"),
        meant(lambda: nn.Swish(), "write nn.SiLU()"),
        meant(lambda: nn.activations, "write nn.functional"),
        meant(lambda: nn.init.glorot_uniform, "write nn.init.xavier_uniform_(w)"),
        meant(lambda: nn.init.he_normal, "write nn.init.kaiming_normal_(w)"),
        meant(lambda: nn.init.sparse, "did you mean nn.init.sparse_"),
        meant(lambda: nn.functional.mse(x, x), "write nn.functional.mse_loss(output, target)"),
        meant(lambda: x.null_grad(), "write x.grad = None"),
        meant(lambda: model.count_params(), "write sum(p.size for p in model.parameters())"),
        meant(lambda: trainer.save_checkpoint("a"), "write nn.save_checkpoint(path, model, optimizer)"),
        meant(lambda: nn.Dense(3), "write nn.Linear(in_features, out_features)"),
        meant(lambda: nn.Dropout2D(), "did you mean nn.Dropout2d?"),
        meant(lambda: nn.Softmax2D(), "did you mean nn.Softmax2d?"),
        meant(lambda: nn.relu, "write nn.functional.relu"),
        meant(lambda: nn.Adam, "write nn.optim.Adam"),
        meant(lambda: nn.StepLR, "write nn.optim.lr_scheduler.StepLR"),
        meant(lambda: nn.functional.crossentropy, "did you mean nn.functional.cross_entropy?"),
        meant(lambda: nn.functional.Linear, "write nn.Linear"),
        meant(lambda: nn.init.xavier_uniform, "did you mean nn.init.xavier_uniform_"),
        meant(lambda: nn.metrics.acuracy, "did you mean nn.metrics.accuracy"),
        meant(lambda: nn.utils.clip_grad_norm, "did you mean nn.utils.clip_grad_norm_"),
        meant(lambda: nn.data.Dataloader, "did you mean nn.data.DataLoader?"),
        meant(lambda: nn.optim.lr_scheduler.CosineAnealingLR, "nn.optim.lr_scheduler.CosineAnnealingLR"),
        meant(lambda: nn.optim.SDG, "did you mean nn.optim.SGD?"),
        meant(lambda: nn.optim.adam([x]), "write nn.optim.Adam(model.parameters())"),
        meant(lambda: visualize.make_dot(x), "write visualize.draw(y)"),
        meant(lambda: visualize.decision_region, "did you mean visualize.decision_regions?"),
        meant(lambda: x.zero_grad(), "write x.grad = None"),
        meant(lambda: x.sum().backwards(), "did you mean x.backward?"),
        meant(lambda: x.at[0], "write x[i] = v"),
        meant(lambda: model.fit(x, x), "write nn.Trainer(model, loss, optimizer).fit(X, y)"),
        meant(lambda: model.predict(x), "write model(X) after model.eval()"),
        meant(lambda: model.train_on_batch(x, x), "loss(model(x), y).backward(); optimizer.step()"),
        meant(lambda: model.paramters(), "did you mean parameters"),
        meant(lambda: optimizer.zero_grads(), "did you mean zero_grad?"),
        meant(lambda: optimizer.minimize(x), "write optimizer.zero_grad(); loss.backward()"),
        meant(lambda: trainer.train(), "write trainer.fit(X, y)"),
        meant(lambda: visualize.draw(x.sum()).show(), 'write graph.save("graph.html")'),
        meant(lambda: visualize.draw(x.sum()).to_dott(), "did you mean to_dot"),
    ],
)
def test_the_name_that_was_meant(call, line):
    with pytest.raises(MissingAttributeError, match=re.escape(line)) as raised:
        call()
    assert isinstance(raised.value, AttributeError)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("from autograd_lite import array", r"write ag\.Tensor\(data"),
        ("from autograd_lite import Tensor, zeros", r"write ag\.Tensor\(np\.zeros"),
        ("from nn import Dense", r"write nn\.Linear\("),
        ("from nn.functional import sofmax", r"did you mean nn\.functional\.softmax"),
        ("from nn.optim import RMSProp", r"did you mean nn\.optim\.RMSprop"),
        ("from visualize import show", r"write visualize\.draw\(y\)"),
    ],
)
def test_imports_of_names_tell_them_too(line, message):
    with pytest.raises(ImportError, match=message) as raised:
        exec(line, {})
    assert isinstance(raised.value, MissingNameError)


def test_a_module_in_place_of_a_function():
    names = {}
    exec("from autograd_lite import tensor, backward", names)
    with pytest.raises(MissingAttributeError, match=r"write ag\.Tensor\(data, requires_grad=True\)"):
        names["tensor"]([1.0])
    with pytest.raises(MissingAttributeError, match=r"write y\.backward\(\)"):
        names["backward"](x)


@pytest.mark.parametrize("owner", [ag, nn, nn.functional, nn.optim, visualize, x, model, optimizer, trainer])
def test_asking_for_a_name_stays_quiet_and_quick(owner):
    assert not hasattr(owner, "zeros_of_mine")
    assert getattr(owner, "zeros_of_mine", 3) == 3
    with pytest.raises(AttributeError) as raised:
        owner.__nope__
    assert "did you mean" not in str(raised.value)


@pytest.mark.parametrize(
    ("table", "owner"),
    [
        (FOREIGN_NAMES, ag),
        (NN_NAMES, nn),
        (PICTURES, visualize),
        (FOREIGN_METHODS, x),
        (MODULE_METHODS, nn.Linear(2, 3)),
        (OPTIMIZER_METHODS, optimizer),
        (TRAINER_METHODS, trainer),
        (PICTURE_METHODS, visualize.draw(x.sum())),
    ],
)
def test_the_tables_name_what_is_not_there_by_what_is(table, owner):
    for name, advice in table.items():
        line = re.sub(r'"[^"]*"', "", advice)  # without names of files
        # pytest may have put autograd_lite.tensor, a module, where it is not
        in_the_way = inspect.ismodule(getattr(owner, name, None))
        assert in_the_way or not hasattr(owner, name), f"{name} is there"
        for path in re.findall(r"\b(?:ag|np|nn|visualize)(?:\.\w+)+", line):
            value = {"ag": ag, "np": np, "nn": nn, "visualize": visualize}[path.split(".")[0]]
            for part in path.split(".")[1:]:
                value = getattr(value, part)
        methods = {"model": nn.Sequential(), "optimizer": optimizer, "trainer": trainer, "x": x, "y": x}
        methods["graph"] = visualize.draw(x.sum())
        for owner_name, method in re.findall(r"\b(\w+)\.(\w+)", line):
            if owner_name in methods:
                assert hasattr(methods[owner_name], method), line


def test_names_that_are_looked_for_cost_nothing_at_import():
    program = (
        "import sys, autograd_lite, nn, visualize\n"
        "late = ['matplotlib', 'scipy', 'pandas', 'torch']\n"
        "rooms = ('diagnosis', 'sparsity', 'roundoff', 'intervals', 'series')\n"
        "late += ['autograd_lite.' + m for m in rooms]\n"
        "print([m for m in late if m in sys.modules])"
    )
    done = python("-c", program)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("value", [x, x[:1] * 2.0, ag.Tensor(np.ones((2, 2)))])
def test_a_tensor_can_be_looked_through(value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        members = {name for name in dir(value) if name not in {"mT"} and hasattr(value, name)}
    assert {"shape", "backward"} <= members
    assert "_mask" not in members
