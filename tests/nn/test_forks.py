"""A process that forks while threads work: no lock stays held in the child."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.node import changing
from tests.helpers import python

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def ends_well(work, seconds=20.0):
    """Whether a forked process gets through with `work`."""
    child = os.fork()
    if not child:
        try:
            signal.alarm(int(seconds))
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("make", [lambda: nn.random.generator, lambda: nn.random.as_generator("test", 0)])
def test_a_fork_while_another_thread_draws(make):
    generator, going = make(), True

    def draw():
        while going:
            generator.normal(size=50_000)

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for _ in range(10):
            time.sleep(0.003)
            assert ends_well(lambda: generator.normal())
            generator.normal()  # the lock is free here too
    finally:
        going = False
        thread.join()


IN_THE_MIDDLE = """
import os, signal
import numpy as np
from nn.data import DataLoader, TensorDataset

batches = iter(DataLoader(TensorDataset(np.arange(12.0)), 2, num_workers=1))
assert next(batches)[0].tolist() == [0, 1]
child = os.fork()
signal.alarm(60)
assert [batch[0].tolist() for batch in batches] == [[2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


def test_a_fork_in_the_middle_of_an_epoch():
    done = python("-c", IN_THE_MIDDLE)  # a process of its own: this one has threads of other tests
    assert done.returncode == 0, done.stderr


# -- interrupts that a person sends ----------------------------------------------------------------

STUCK = """
import time, nn

class Stuck(nn.Dataset):
    is_random = False
    def __len__(self): return 10
    def __getitem__(self, i):
        if i == 3:
            print("stuck", flush=True)
            time.sleep(1000)
        return float(i)

seen = 0
try:
    for batch in nn.DataLoader(Stuck(), 1, num_workers=1):
        seen += 1
except KeyboardInterrupt:
    print("heard", seen, flush=True)
print(len(list(nn.DataLoader([1.0, 2.0], 1, num_workers=1))))
"""


@pytest.mark.parametrize("interrupts", [1, 2])
def test_an_interrupt_is_heard_where_a_sample_never_comes(interrupts):
    """The first one, and the end of the process, do not wait for the thread; a second one ends the wait."""
    program = subprocess.Popen(
        [sys.executable, "-c", STUCK],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert program.stdout.readline() == "stuck\n"
        time.sleep(0.3)
        for _ in range(interrupts):
            program.send_signal(signal.SIGINT)
            time.sleep(0.3)
        out, err = program.communicate(timeout=20)
    finally:
        program.kill()
    assert out == "heard 3\n2\n" and not err and program.returncode == 0


def test_threads_that_were_left_do_not_keep_the_process():
    program = (
        "import numpy as np, nn\n"
        "from nn.kernels import threads\n"
        "threads._blas_threads = lambda: (lambda: 2, lambda n: None)\n"
        "assert threads.in_parallel(sum, range(10)) == [10, 35]\n"
        "batches = iter(nn.DataLoader(np.arange(20.0), 2, num_workers=1)); next(batches)\n"
    )
    done = python("-W", "error", "-c", program, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_fork_while_another_thread_adds_to_a_gradient(create_graph):
    inside = threading.Event()

    def add():
        with changing:
            inside.set()
            time.sleep(0.3)

    def backward():
        x = ag.Tensor(np.ones(3), requires_grad=True)
        (x * 2).sum().backward(create_graph=create_graph)
        x.numpy()[:] = 0.0

    thread = threading.Thread(target=add)
    thread.start()
    inside.wait()
    assert ends_well(backward, seconds=5)
    thread.join()
    backward()
