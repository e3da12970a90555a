"""The server: who gets in, what it answers, and that nothing brings it down."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from visualize.playground.__main__ import main
from visualize.playground.options import Config
from visualize.playground.server import MOST_BODY, MOST_CONNECTIONS, Server
from visualize.playground.sessions import Sessions
from visualize.playground.worker import Worker

ROOT = Path(__file__).parents[3]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.stop()


class Client:
    """One connection, as a tab has it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)

    def ask(self, path: str, body: object = None, method: str | None = None, **headers: str):
        """A request beneath the token; the status, and JSON or the header of a frame."""
        return self.at(f"/{self.server.token}/{path}", body, method, **headers)

    def at(self, path: str, body: object = None, method: str | None = None, **headers: str):
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            given = {"Content-Type": "application/json", **given}
        self.line.request(method or ("GET" if data is None else "POST"), path, data, given)
        answer = self.line.getresponse()
        content = answer.read()
        kind = answer.getheader("Content-Type")
        if kind == "application/json":
            return answer.status, json.loads(content)
        if kind == "application/octet-stream":
            length = int.from_bytes(content[:4], "little")
            return answer.status, json.loads(content[4 : 4 + length])
        return answer.status, content

    def open(self, **config: object) -> str:
        status, frame = self.ask("open", {"config": config})
        assert status == 200, frame
        self.session = frame["session"]
        return self.session

    def do(self, command: str, **more: object):
        status, frame = self.ask(command, {"session": self.session, **more})
        assert status == 200, frame
        return frame


@pytest.fixture
def connect(server) -> Iterator[Callable[[], Client]]:
    """Make connections, which are closed at the end."""
    with ExitStack() as stack:

        def opened() -> Client:
            made = Client(server)
            stack.callback(made.line.close)
            return made

        yield opened


@pytest.fixture
def client(connect) -> Client:
    return connect()


# -- who gets in -----------------------------------------------------------------------------------


def test_the_address_is_of_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{20,}/", server.address)
    other = Server()
    assert other.token != server.token
    other.stop()


def test_the_page_and_its_files(client):
    for name, kind in [
        ("", b"<!doctype html>"),
        ("main.js", b"import"),
        ("style.css", b":root"),
        ("icon.svg", b"<svg"),
    ]:
        status, content = client.ask(name)
        assert status == 200 and kind in content
    status, offered = client.ask("options")
    assert status == 200 and offered["default"]["dataset"] == "circle"


@pytest.mark.parametrize(
    "path", ["/", "/wrong/", "/favicon.ico", "//", "/{token}x/", "/{half}/", "/%C3%A9/", ""]
)
def test_without_the_token_there_is_nothing(server, client, path):
    path = path.format(token=server.token, half=server.token[:-1])
    status, _ = client.at(path or "*")
    assert status == 403


@pytest.mark.parametrize(
    "name",
    ["../server.py", "..%2fserver.py", "page/main.js", ".", "..", "/etc/passwd", "main.js/", "a\\b", "%00"],
)
def test_no_other_file_is_sent(client, name):
    status, _ = client.ask(name)
    assert status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:{port}0"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "iframe"},
    ],
)
def test_nobody_of_another_origin_gets_in(server, connect, headers):
    headers = {name: value.format(port=server.server_port) for name, value in headers.items()}
    for path, body in [("", None), ("options", None), ("main.js", None), ("open", {})]:
        status, _ = connect().ask(path, body, **headers)
        assert status == 403
    assert len(server.sessions) == 0


def test_its_own_page_gets_in_and_a_link_may_be_followed(server, connect, client):
    own = {"Origin": server.address.rpartition("/")[0].rpartition("/")[0], "Sec_Fetch_Site": "same-origin"}
    assert client.ask("open", {}, **own)[0] == 200
    assert client.ask("", Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="document")[0] == 200
    status, _ = client.ask("open", {}, Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="document")
    assert status == 403  # a form that is sent here from elsewhere
    client = connect()
    assert client.ask("", Host=f"localhost:{server.server_port}")[0] == 200


def test_every_answer_says_that_nothing_else_may_use_it(client):
    for path in ("", "main.js", "nothing"):
        client.line.request("GET", f"/{client.server.token}/{path}")
        answer = client.line.getresponse()
        answer.read()
        policy = answer.getheader("Content-Security-Policy")
        assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy
        assert answer.getheader("Access-Control-Allow-Origin") is None
        assert answer.getheader("Cross-Origin-Resource-Policy") == "same-origin"
        assert answer.getheader("Referrer-Policy") == "no-referrer"


# -- what it answers -------------------------------------------------------------------------------


def test_a_run_is_opened_stepped_run_paused_and_reset(client):
    client.open()
    assert client.do("step")["steps"] == 1
    assert client.do("step", steps=10)["steps"] == 11
    frame = client.do("step", epoch=True)
    assert (frame["steps"], frame["epoch"]) == (25, 1)
    assert client.do("run")["running"]
    end = time.monotonic() + 60
    while client.do("frame")["steps"] < 300 and time.monotonic() < end:
        time.sleep(0.01)
    paused = client.do("pause")
    assert not paused["running"] and paused["steps"] >= 300 and paused["train"] < 0.5
    assert client.do("frame")["steps"] == paused["steps"]
    again = client.do("reset")
    assert (again["steps"], again["epoch"], again["anew"]) == (0, 0, True)


def test_a_slow_run_is_slow(client):
    client.open()
    client.do("run", speed=20)
    begin = time.monotonic()
    while client.do("frame")["steps"] < 10:
        assert time.monotonic() < begin + 60
    assert time.monotonic() - begin > 0.3  # nine gaps of a twentieth; two of them may be made up for


def test_two_tabs_know_nothing_of_each_other(connect):
    first, second = connect(), connect()
    first.open()
    second.open(dataset="spiral")
    first.do("step", steps=5)
    assert second.do("frame")["steps"] == 0
    assert second.do("reset")["config"]["dataset"] == "spiral"


def test_a_weight_is_set_and_points_come_from_a_csv(client):
    client.open()
    client.do("weight", layer=0, row=1, column=0, value=0.5)
    assert client.do("weight", layer=0, row=1, column=None, value=-1)["steps"] == 0
    found = client.do("csv", text="1,2,a\n3,4,b", problem="classification")
    assert found == {"points": [[1, 2, -1], [3, 4, 1]]}


def test_looks(client):
    client.open()
    client.do("step")
    assert client.do("sample", x1=1, x2=2, target=1)["steps"][0]["title"] == "given"
    assert client.do("surface")["side"] == 31
    assert client.do("check")["passed"]
    assert client.do("attack", x1=1, x2=2, target=1, eps=0.5)["losses"]
    assert "nn.Sequential" in client.do("program")["text"]
    assert client.do("digit", pixels=[0] * 784)["blank"]
    assert not client.do("digit", example=2)["blank"]


def test_a_run_goes_on_while_a_long_look_is_taken(connect, monkeypatch):
    first, second = connect(), connect()
    first.open()
    first.do("run")
    asked, go = threading.Event(), threading.Event()

    def slow(run: object) -> dict[str, bool]:
        asked.set()
        assert go.wait(60)
        return {"passed": True}

    monkeypatch.setattr("visualize.playground.commands.checked", slow)
    looking = threading.Thread(target=first.do, args=("check",))
    looking.start()
    assert asked.wait(60)
    second.session = first.session
    before = second.do("frame")["steps"]
    end = time.monotonic() + 60
    while second.do("frame")["steps"] < before + 5 and time.monotonic() < end:
        time.sleep(0.01)
    assert second.do("pause")["steps"] >= before + 5
    go.set()
    looking.join()


def test_a_run_that_diverges_stops_and_says_so(client):
    client.open(problem="regression", dataset="reg-plane", rate=100, activation="Identity")
    frame = client.do("step", steps=500)
    assert "no longer finite" in frame["problem"] and frame["steps"] < 500
    assert client.do("reset")["problem"] is None


def test_nothing_to_train_on_is_said(client):
    client.open(dataset="own")
    assert "no point to train on" in client.do("step")["problem"]
    for command in ("surface", "check", "program"):
        status, said = client.ask(command, {"session": client.session})
        assert status == 200 and "no point" in said["error"]


@pytest.mark.parametrize(
    ("command", "body", "status", "said"),
    [
        ("open", {"config": {"dataset": "moons"}}, 200, "dataset"),
        ("open", {"config": 3}, 200, "config"),
        ("jump", {}, 200, "no command 'jump'"),
        ("__class__", {}, 200, "no command"),
        ("frame", {}, 200, "no more"),
        ("frame", {"session": "x"}, 200, "no more"),
        ("frame", {"session": [1]}, 200, "no more"),
        ("open", [], 400, "object"),
        ("open", b"{", 400, "JSON"),
        ("open", b"\xff\xfe", 400, "JSON"),
        ("open", b"[" * 100_000, 400, "JSON"),
        ("open", b" " * (MOST_BODY + 1), 413, "bytes"),
    ],
)
def test_requests_that_cannot_be(client, command, body, status, said):
    found, answer = client.ask(command, body)
    assert found == status and said in answer["error"]
    assert answer.get("gone", False) == (said == "no more")


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("step", {"steps": 0}),
        ("step", {"steps": 1e9}),
        ("step", {"steps": "1"}),
        ("run", {"speed": 0}),
        ("run", {"speed": "fast"}),
        ("weight", {"layer": 9, "row": 0, "column": 0, "value": 1}),
        ("weight", {"layer": 0, "row": 0, "column": 0, "value": None}),
        ("weight", {"layer": -1, "row": 0, "column": 0, "value": 1}),
        ("change", {"config": {"hidden": [99]}}),
        ("sample", {"x1": 1}),
        ("sample", {"x1": 1, "x2": 7, "target": 1}),
        ("attack", {"x1": 1, "x2": 1, "target": 1, "eps": -1}),
        ("csv", {"text": "1,2", "problem": "classification"}),
        ("csv", {"text": 5, "problem": "classification"}),
        ("digit", {"pixels": [0] * 783}),
        ("digit", {"pixels": ["0"] * 784}),
        ("digit", {"example": -1}),
    ],
)
def test_bad_values_are_told_and_the_run_goes_on(client, command, body):
    client.open()
    status, answer = client.ask(command, {"session": client.session, **body})
    assert status == 200 and len(answer["error"]) > 10 and not answer["gone"]
    assert client.do("step")["steps"] == 1


def test_other_methods_and_kinds(client, connect):
    assert client.ask("open", b"config=1", Content_Type="application/x-www-form-urlencoded")[0] == 415
    assert connect().ask("open", b"{}", Content_Type="text/plain")[0] == 415
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
        assert connect().ask("open", b"{}", method=method)[0] == 501


# -- nothing brings it down ------------------------------------------------------------------------


def raw(server: Server, content: bytes, close: bool = True) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", server.server_port), timeout=60)
    line.sendall(content)
    if close:
        line.shutdown(socket.SHUT_WR)
    return line


def test_garbage_and_half_closed_connections(server, connect, capfd):
    head = (
        f"POST /{server.token}/open HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
        "Content-Type: application/json\r\n"
    )
    rng = np.random.default_rng(0)
    pieces = [
        b"", b"\n", b"\x16\x03\x01\x02\x00", b"GET", b"GET / HTTP/1.1\r\n", b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xc3\xa9/ HTTP/1.1\r\n\r\n",
        b"A" * 70_000,
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n",
        head.encode(), f"{head}Content-Length: 10\r\n\r\n{{}}".encode(),
        f"{head}Content-Length: -1\r\n\r\n".encode(),
        f"{head}Content-Length: 1e3\r\n\r\n".encode(), f"{head}Content-Length: {'9' * 5000}\r\n\r\n".encode(),
        f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".encode(), f"{head}\r\n".encode(),
        f"{head}Content-Length: \u0662\r\n\r\n".encode(), *(rng.bytes(n) for n in (1, 10, 1000, 30_000)),
    ]  # fmt: skip
    lines = [raw(server, piece, close) for piece in pieces for close in (True, False)]
    client = connect()
    client.open()
    assert client.do("step")["steps"] == 1
    for line in lines:
        line.close()
    client.do("frame")
    assert len(server.sessions) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_silent_connections_make_room(server, connect):
    lines = [raw(server, b"GET /", close=False) for _ in range(2 * MOST_CONNECTIONS)]
    client = connect()
    client.open()
    assert client.do("step")["steps"] == 1
    end = time.monotonic() + 30
    while len(server._open) > MOST_CONNECTIONS and time.monotonic() < end:
        time.sleep(0.02)
    assert len(server._open) <= MOST_CONNECTIONS
    for line in lines:
        line.close()


def test_twenty_tabs_at_once(connect):
    """All train as fast as they can, and each one is answered."""
    tabs = [connect() for _ in range(20)]
    for tab in tabs:
        tab.open(hidden=[4, 2])
        tab.do("run")
    done: list[int] = []

    def use(tab: Client) -> None:
        first = tab.do("frame")["steps"]
        for _ in range(5):
            tab.do("frame")
        done.append(tab.do("pause")["steps"] - first)

    threads = [threading.Thread(target=use, args=(tab,)) for tab in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(done) == 20 and min(done) > 0


@pytest.mark.slow
def test_ten_thousand_requests(server, client):
    client.open(hidden=[2])
    before = threading.active_count()
    for i in range(10_000):
        command = ("frame", "step", "nothing")[i % 3]
        status, answer = client.ask(command, {"session": client.session})
        assert status == 200 and ("error" in answer) == (command == "nothing")
    assert client.do("frame")["steps"] == 3333
    assert threading.active_count() <= before + 1


def test_sessions_are_bounded_and_the_ones_in_use_stay():
    sessions = Sessions(most=3)
    names = [sessions.open(Config(hidden=())) for _ in range(3)]
    workers = [sessions.get(name) for name in (names[1], names[2], names[0])]
    last = sessions.open(Config(hidden=()))
    assert len(sessions) == 3
    for name in (names[0], names[2], last):
        sessions.get(name)
    with pytest.raises(LookupError, match="no more"):
        sessions.get(names[1])
    workers[0]._thread.join(30)
    assert not workers[0]._thread.is_alive()
    sessions.close()
    for worker in workers:
        worker._thread.join(30)
        assert not worker._thread.is_alive()


def test_a_run_that_nobody_asks_for_rests(monkeypatch):
    monkeypatch.setattr("visualize.playground.worker.PATIENCE", 0.05)
    worker = Worker(Config(hidden=()))
    worker.ask(lambda: worker.start(None))
    end, before = time.monotonic() + 30, -1
    while worker.run.steps != before and time.monotonic() < end:
        before = worker.run.steps
        time.sleep(0.3)
    assert worker.run.steps == before > 0
    assert worker.ask(lambda: worker.running)  # and goes on when it is asked for
    end = time.monotonic() + 30
    while worker.run.steps == before and time.monotonic() < end:
        time.sleep(0.01)
    assert worker.run.steps > before
    worker.stop()


# -- the program -----------------------------------------------------------------------------------


def started(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "visualize.playground", "--no-browser", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way there")
def test_it_prints_its_address_and_ctrl_c_stops_it():
    process, line = started("--port", "0")
    try:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/([\w-]+)/$", line.strip())
        assert found is not None, line
        address = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        body, kind = b'{"config": {}}', {"Content-Type": "application/json"}
        address.request("POST", f"/{found[2]}/open", body, kind)
        assert address.getresponse().status == 200
        address.close()
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate(timeout=60)
        assert process.returncode == 0 and "has stopped" in said and complaints == ""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(found[1])), timeout=5)
    finally:
        process.kill()
        process.communicate()


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, line = started("--port", str(port))
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 2 and line == ""
    assert f"--port {port}" in complaints and "leave --port out" in complaints


@pytest.mark.parametrize("port", ["-1", "65536", "http", "٣"])
def test_a_port_that_is_none(port):
    process, _ = started("--port", port)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 2 and "from 0 to 65535" in complaints


def test_the_browser_is_opened(monkeypatch, capsys):
    opened: list[str] = []
    heard = threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda address: (opened.append(address), heard.set()))

    def serve(self: Server, poll_interval: float) -> None:
        assert heard.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", serve)
    interval = sys.getswitchinterval()
    try:
        assert main(["--port", "0"]) == 0
    finally:
        sys.setswitchinterval(interval)
    assert opened[0] in capsys.readouterr().out


def test_nothing_of_it_is_imported_before_it_is_run():
    program = "import sys, visualize; print([m for m in sys.modules if 'playground' in m or m == 'nn'])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
