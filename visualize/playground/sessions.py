"""The runs of all open tabs, by name: as many as there is room for, and those asked for last stay."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict

from autograd_lite.errors import AutogradLiteError

from .options import Config
from .pad import Pad
from .worker import Worker

__all__ = ["GoneError", "Sessions"]

MOST = 32
"""How many runs there are at most."""


class GoneError(AutogradLiteError, LookupError):
    """A session that is no more; the page begins a new one."""


class Sessions:
    """Workers by the names of their sessions, and the pad that they share.

    >>> sessions = Sessions(most=1)
    >>> first = sessions.open(Config())
    >>> second = sessions.open(Config())
    >>> sessions.get(first)
    Traceback (most recent call last):
    visualize.playground.sessions.GoneError: this session is no more; reload the page
    >>> sessions.close()
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.pad = Pad()
        self._workers: OrderedDict[str, Worker] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._workers)

    def open(self, config: Config) -> str:
        """Begin a run; the one that nobody has asked for the longest may have to go."""
        worker, name = Worker(config), secrets.token_urlsafe(12)
        with self._lock:
            self._workers[name] = worker
            gone = [self._workers.popitem(last=False)[1] for _ in range(len(self._workers) - self.most)]
        for old in gone:
            old.stop()
        return name

    def get(self, name: object) -> Worker:
        """The worker of a session.

        Raises:
            GoneError: there is none of this name.
        """
        with self._lock:
            worker = self._workers.get(name) if isinstance(name, str) else None
            if worker is None:
                raise GoneError("this session is no more; reload the page")
            self._workers.move_to_end(name)  # type: ignore[arg-type]
            return worker

    def close(self) -> None:
        """End all runs."""
        self.pad.stop()
        with self._lock:
            workers = list(self._workers.values())
            self._workers.clear()
        for worker in workers:
            worker.stop()
