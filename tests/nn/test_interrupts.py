"""Interrupts at random moments: nothing hangs, the state is as before, and the next result is right.

Each program runs in its own process, so a hang is an error and does not end the tests.
"""

import signal
import textwrap

import pytest

from tests.helpers import python

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to one thread here")

START = '''
import _thread, gc, os, random, signal, sys, threading, time
import numpy as np
import autograd_lite as ag
import nn
from nn.kernels import threads

gc.disable()  # an interrupt inside of a destructor is not heard
signal.signal(signal.SIGINT, signal.default_int_handler)
state = {"threads": 2}  # BLAS as if it had two threads, whatever the machine has
threads._blas_threads = lambda: (lambda: state["threads"], lambda n: state.update(threads=n))


def interrupted(work, times, length, second=False):
    """How often `work` was ended by a signal that came at a random moment of its `length` seconds."""
    main, hits = threading.main_thread().ident, 0
    for k in range(times):
        random.seed(k)
        moments, over = [random.uniform(0, length) for _ in range(1 + second)], []

        def shoot():
            for moment in moments:
                time.sleep(moment)
                signal.pthread_kill(main, signal.SIGINT)
            over.append(True)

        try:
            _thread.start_new_thread(shoot, ())
            while True:
                work()
        except KeyboardInterrupt:
            hits += 1
        while not over or moments:
            try:
                while not over:
                    time.sleep(0.0005)
                moments.clear()
            except KeyboardInterrupt:
                pass
        assert ag.is_recording(), k
        assert not threads._inside and state["threads"] == 2, (k, state)
    return hits
'''


def run(program: str, seconds: float = 100.0) -> str:
    """What a program prints that must end in time, without a word on stderr."""
    # A file that an interrupt left open is closed as its last reference goes, which is worth no word.
    warnings = "error,ignore::ResourceWarning"
    done = python("-c", START + textwrap.dedent(program), timeout=seconds, PYTHONWARNINGS=warnings)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


CONVOLUTION = """
x = ag.Tensor(np.random.default_rng(0).normal(size=(8, 3, 16, 16)), requires_grad=True)
w = ag.Tensor(np.random.default_rng(1).normal(size=(8, 3, 3, 3)), requires_grad=True)
from nn.kernels import conv, pool
conv.SMALL = pool.SMALL = 0  # shared among the threads, however small

def work():
    y = nn.functional.max_pool2d(nn.functional.conv2d(x, w, padding=1), 2)
    y.sum().backward()
    return y.numpy()

expected = work()
print(interrupted(work, TIMES, 0.004, second=True))
np.testing.assert_array_equal(work(), expected)
"""

LOADER = """
data = nn.TensorDataset(np.arange(40.0)[:, None])

def work():
    return [float(x.numpy().sum()) for (x,) in nn.DataLoader(data, batch_size=4, num_workers=2)]

expected = work()
print(interrupted(work, TIMES, 0.004, second=True))
assert work() == expected
deadline = time.monotonic() + 10
while any(t.name.startswith("DataLoader") for t in threading.enumerate()) and time.monotonic() < deadline:
    time.sleep(0.01)
assert not [t.name for t in threading.enumerate() if t.name.startswith("DataLoader")]
"""

FIT = """
import tempfile
X, T = np.random.default_rng(0).normal(size=(64, 1, 8, 8)).astype("f4"), np.arange(64) % 3
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.1), nn.Flatten(), nn.Linear(144, 3))
from nn.kernels import conv
conv.SMALL = 0

def work():
    nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(model.parameters())).fit(
        X, T, epochs=2, batch_size=16, verbose=False)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "run.safetensors")
    nn.save_checkpoint(path, model)
    print(interrupted(work, TIMES, 0.02))

    def save():
        nn.save_checkpoint(path, model)

    print(interrupted(save, TIMES, 0.004, second=True))
    nn.load_checkpoint(path, model)
    assert os.listdir(folder) == ["run.safetensors"], os.listdir(folder)
nn.manual_seed(0)
model.train()
work()
assert np.isfinite(model[0].weight.numpy()).all()
"""


@pytest.mark.few(3)
@pytest.mark.parametrize("program", [CONVOLUTION, LOADER, FIT], ids=["convolution", "loader", "fit"])
def test_an_interrupt_at_any_moment_leaves_no_trace(program):
    assert {int(hits) for hits in run(program.replace("TIMES", "40")).split()} == {40}


@pytest.mark.slow
@pytest.mark.parametrize("program", [CONVOLUTION, LOADER, FIT], ids=["convolution", "loader", "fit"])
def test_a_thousand_interrupts_leave_no_trace(program):
    assert {int(hits) for hits in run(program.replace("TIMES", "350")).split()} == {350}
