"""Start the playground: `python -m visualize.playground`. Ctrl-C stops it."""

from __future__ import annotations

import argparse
import sys
import threading
import webbrowser
from collections.abc import Sequence

from autograd_lite.errors import MissingPackageError
from autograd_lite.shadows import require_own

PORT = 8765
"""The port where none is asked for, if it is free."""

TURN = 0.0005
"""After how many seconds a thread lets another one go on: a tenth of what Python takes by itself, so that an
answer need not wait for a run that trains."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl-C; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m visualize.playground", description=__doc__)
    parser.add_argument("--port", type=port, help=f"of the address; {PORT} if it is free, else any")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    options = parser.parse_args(arguments)

    try:
        require_own("nn")
    except MissingPackageError as error:
        parser.error(str(error))

    from .server import Server

    try:
        server = Server(PORT if options.port is None else options.port)
    except OSError as error:
        if options.port is not None:
            parser.error(f"--port {options.port}: {error.strerror}; leave --port out to have a free one")
        server = Server(0)
    sys.setswitchinterval(TURN)
    print(f"The playground is at {server.address}\nCtrl-C stops it.", flush=True)
    try:
        if not options.no_browser:
            # In a thread of its own, since a browser of the terminal returns when it is closed.
            threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        print("\nThe playground has stopped.", flush=True)
    finally:
        server.stop()
    return 0


def port(text: str) -> int:
    """The number of a port."""
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 65535, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
