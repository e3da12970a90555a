"""The server: this machine alone, one address with a secret in it, and no page but its own.

A request is let in if its path begins with the token, its `Host` is this machine, and neither `Origin` nor
`Sec-Fetch-Site` says that it comes from elsewhere. Every request is answered at once: browsers open
six connections to a server at most, for all tabs together, so none may be held.
"""

from __future__ import annotations

import http.server
import json
import os
import secrets
import socket
import socketserver
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from autograd_lite.errors import AutogradLiteError

from .commands import answer
from .frames import jsonable
from .options import choices
from .sessions import GoneError, Sessions

__all__ = ["Server"]

PAGE = Path(__file__).with_name("page")
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

MOST_BODY = 1 << 20
MOST_SKIPPED = 1 << 26
"""How much of a longer body is read and dropped, so that its sender hears the answer."""

MOST_CONNECTIONS = 128
"""Beyond these the connection that was silent the longest is closed."""

SILENCE = 30.0
"""For how many seconds a connection may say nothing."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class RefusedError(Exception):
    """A request that is not let in, or not understood: a status, and why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves the page and answers its requests, each connection in a thread.

    Args:
        port: 0 for any that is free.

    Attributes:
        token: the secret part of the address.
        sessions: the runs.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # on Windows it would let another program take the port over
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        self.token = secrets.token_urlsafe(16)
        self.sessions = Sessions()
        self._open: OrderedDict[socket.socket, None] = OrderedDict()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self) -> None:
        # HTTPServer would look the name of the machine up, which asks the network.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"

    def stop(self) -> None:
        """End all runs, and close the port and all connections."""
        self.sessions.close()
        self.server_close()
        with self._lock:
            self._close(list(self._open))

    # -- connections -------------------------------------------------------------------------------

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open[request] = None
            self._close(
                [self._open.popitem(last=False)[0] for _ in range(len(self._open) - MOST_CONNECTIONS)]
            )
        super().process_request(request, client_address)

    @staticmethod
    def _close(connections: list[socket.socket]) -> None:
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # its thread wakes up and closes it

    def heard(self, request: Any) -> None:
        """Note that a connection is in use."""
        with self._lock:
            if request in self._open:
                self._open.move_to_end(request)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a connection that broke is no news
            traceback.print_exc()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "autograd-lite", ""
    timeout = SILENCE
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together

    @property
    def own(self) -> Server:
        """The server, by its own class."""
        return cast(Server, self.server)

    def do_GET(self) -> None:
        """Send a file of the page, or what its menus offer."""
        self._answer_with(self._file)

    def do_POST(self) -> None:
        """Do what the page asks for."""
        self._answer_with(self._command)

    def _answer_with(self, find: Callable[[str], tuple[str, bytes]]) -> None:
        self.own.heard(self.request)
        try:
            kind, content = find(self._let_in())
            status = HTTPStatus.OK
        except RefusedError as error:
            self.close_connection = True  # its body may not have been read
            status, kind, content = error.status, *as_json({"error": str(error)})
        except (AutogradLiteError, TimeoutError) as error:
            # A choice that cannot be is told in words; another status would be a complaint on the console.
            said = str(error) or "this takes too long"
            kind, content = as_json({"error": said, "gone": isinstance(error, GoneError)})
            status = HTTPStatus.OK
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _let_in(self) -> str:
        """The part of the path behind the token, of a request that may come in."""
        hosts = [f"{name}:{self.own.server_port}" for name in ("127.0.0.1", "localhost")]
        if self.headers.get_all("Host") not in [[host] for host in hosts]:
            raise RefusedError(HTTPStatus.FORBIDDEN, "another host was asked for")
        if not set(self.headers.get_all("Origin", [])) <= {f"http://{host}" for host in hosts}:
            raise RefusedError(HTTPStatus.FORBIDDEN, "a page of another origin has asked")
        opened = self.command == "GET" and self.headers.get("Sec-Fetch-Dest") == "document"
        site = self.headers.get("Sec-Fetch-Site", "none")
        if site not in ("none", "same-origin") and not opened:  # a link may be followed from anywhere
            raise RefusedError(HTTPStatus.FORBIDDEN, "a page of another origin has asked")
        _, token, *rest = [*self.path.partition("?")[0].split("/", 2), ""]
        if not secrets.compare_digest(token.encode(), self.own.token.encode()):
            raise RefusedError(HTTPStatus.FORBIDDEN, "open the address that the terminal shows")
        return rest[0]

    def _file(self, name: str) -> tuple[str, bytes]:
        if name == "options":
            return as_json(choices())
        path = {file.name: file for file in PAGE.iterdir()}.get(name or "index.html")
        if path is None or path.suffix not in KINDS:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such file")
        return f"{KINDS[path.suffix]}; charset=utf-8", path.read_bytes()

    def _command(self, name: str) -> tuple[str, bytes]:
        result = answer(self.own.sessions, name, self._request())
        return ("application/octet-stream", result) if isinstance(result, bytes) else as_json(result)

    def _request(self) -> Mapping[str, Any]:
        """The object that a POST has sent."""
        if self.headers.get_content_type() != "application/json":
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected JSON")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "expected a length")
        if len(length) > 9 or int(length) > MOST_BODY:
            self._skip(min(int(length[:9]), MOST_SKIPPED))
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{MOST_BODY} bytes are the most")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the connection ended in the middle of a request")
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "this is no JSON") from None
        if not isinstance(request, dict):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "expected a JSON object")
        return request

    def _skip(self, count: int) -> None:
        """Read so many bytes and drop them."""
        while count > 0 and (chunk := self.rfile.read(min(count, 1 << 16))):
            count -= len(chunk)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass  # sixty lines a second help nobody


def as_json(content: dict[str, Any]) -> tuple[str, bytes]:
    """An object as a body, with its kind."""
    return "application/json", json.dumps(jsonable(content), allow_nan=False).encode()
