import os
import signal
import threading
import time

import numpy as np
import pytest

from nn.kernels import threads
from nn.kernels.threads import beside, in_parallel, thread_count


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """BLAS as if it had two threads, whatever the machine has."""
    state = {"threads": 2}
    blas = lambda: state["threads"], lambda n: state.update(threads=n)
    monkeypatch.setattr(threads, "_blas_threads", lambda: blas)
    return state


@pytest.mark.parametrize("items", [0, 1, 2, 7])
def test_all_items_are_worked_on_once_and_in_order(items, two_threads):
    during = []

    def work(part):
        during.append(two_threads["threads"])
        return list(part)

    parts = in_parallel(work, range(items))
    assert [i for part in parts for i in part] == list(range(items))
    assert len(parts) == max(1, min(items, 2))
    assert two_threads["threads"] == 2
    assert set(during) == ({1} if items > 1 else {2})  # a single part leaves the threads to BLAS


def test_the_parts_run_at_the_same_time():
    meet = threading.Barrier(2, timeout=20)
    assert sorted(in_parallel(lambda part: meet.wait(), range(2))) == [0, 1]


@pytest.mark.parametrize("bad", [0, 1])
def test_an_error_of_any_part_is_raised_and_blas_is_as_before(bad, two_threads):
    def work(part):
        if bad in part:
            raise FloatingPointError(f"part {list(part)}")

    with pytest.raises(FloatingPointError, match=f"part \\[{bad}\\]"):
        in_parallel(work, range(2))
    assert two_threads["threads"] == 2


def test_calls_from_several_threads_leave_blas_as_it_was(two_threads):
    """The first to come in and the last to go out are not the same."""
    results, meet = [], threading.Barrier(2, timeout=20)

    def work(part):
        if 0 in part:
            meet.wait()
        return sum(part)

    def run():
        results.append(sum(in_parallel(work, range(100))))

    both = [threading.Thread(target=run) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert results == [4950, 4950]
    assert two_threads["threads"] == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    assert sum(in_parallel(sum, range(10))) == 45
    child = os.fork()
    if not child:
        os._exit(0 if sum(in_parallel(sum, range(10))) == 45 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_where_blas_cannot_be_asked_one_thread_does_it(monkeypatch):
    monkeypatch.setattr(threads, "_blas_threads", lambda: None)
    assert thread_count() == 1
    assert in_parallel(sum, range(10)) == [45]


def test_numpys_own_blas_is_set_and_restored(monkeypatch):
    monkeypatch.undo()
    found = threads._blas_threads()
    if found is None:
        pytest.skip("another BLAS than OpenBLAS")
    before = thread_count()
    found[1](2)
    try:
        assert in_parallel(lambda part: found[0](), range(4)) == [1, 1]
        assert found[0]() == 2
        a = np.random.default_rng(0).normal(size=(64, 64))
        np.testing.assert_allclose(in_parallel(lambda part: a @ a, range(2))[1], a @ a)
    finally:
        found[1](before)


def test_threads_have_started_when_work_was_shared():
    threads._queues.clear()
    in_parallel(len, range(1))
    assert not threads.started()
    in_parallel(len, range(2))
    assert threads.started()


def test_work_is_done_beside_the_caller(two_threads):
    meet = threading.Barrier(2, timeout=20)
    with np.errstate(divide="ignore"), beside() as start:
        waits = [start(meet.wait), *(start(np.divide, a, 0.0) for a in (1.0, -1.0))]
        assert two_threads["threads"] == 1
        meet.wait()
        assert [wait() for wait in waits[1:]] == [np.inf, -np.inf]
    assert two_threads["threads"] == 2


def test_an_error_in_work_beside_is_raised_where_it_is_waited_for(two_threads):
    done = []
    with pytest.raises(ZeroDivisionError), beside() as start:
        failed = start(lambda: 1 / 0)
        start(lambda: done.append(True))
        failed()
    assert done  # nothing goes on when the block is over
    assert two_threads["threads"] == 2


@pytest.mark.parametrize(("wanted", "threads"), [(False, 2), (True, 1)])
def test_one_thread_does_at_once_what_needs_no_other(two_threads, wanted, threads):
    two_threads["threads"] = threads
    with beside(wanted) as start:
        assert start(threading.get_ident)() == threading.get_ident()
        assert two_threads["threads"] == threads


def test_errstate_holds_on_all_threads():
    huge = np.full(4, np.float32(3e38))
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        in_parallel(lambda part: [huge[i : i + 1] * 2 for i in part if i], range(2))
    with np.errstate(all="ignore"):  # a warning would be an error here
        in_parallel(lambda part: [huge[i : i + 1] * 2 for i in part], range(4))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that interrupts")
@pytest.mark.parametrize("way", ["in_parallel", "beside"])
def test_an_interrupt_waits_for_what_has_begun(way, two_threads):
    done = []

    def work(part):
        if part[0]:
            time.sleep(0.3)
            done.append(part)

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            if way == "in_parallel":
                in_parallel(work, range(2))
            else:
                with beside() as start:
                    start(work, [1])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(done) == 1 and two_threads["threads"] == 2 and not threads._inside


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_process_forked_while_kernels_work_has_all_threads(two_threads):
    with threads.blas_on_one_thread():
        child = os.fork()
        if not child:
            os._exit(thread_count())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
