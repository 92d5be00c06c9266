"""One twin for all gates: a client that keeps every exchange, and an address that keeps those of other programs."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

KEY = "sk_test_gates"
Json = dict[str, Any]
Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Outcome:
    """How a case of a gate ended: `problem` says what was wrong, None when it passed."""

    gate: str
    case: str
    problem: str | None = None


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. `form` are the fields of the body, or of the query when there is none."""

    method: str
    path: str
    form: Pairs
    status: int
    body: Json
    foreign: bool = False  # sent by a program of others, whose requests are theirs


class WrongAnswerError(Exception):
    """The twin answered something else than the case needs."""


@dataclass
class Stage:
    """The running twin and what was exchanged with it so far."""

    base: str
    http: httpx.Client
    exchanges: list[Exchange] = field(default_factory=list)

    def call(self, method: str, url: str, params: Json | Pairs | None = None) -> tuple[int, Json]:
        """Send a request; its status and JSON answer."""
        pairs = params if isinstance(params, list) else list(flattened(params or {}))
        encoded = urlencode(pairs)
        if method == "GET":
            return self._send(method, f"{url}?{encoded}" if encoded else url, b"")
        return self._send(method, url, encoded.encode())

    def _send(self, method: str, url: str, content: bytes) -> tuple[int, Json]:
        answer = self.http.request(
            method,
            url,
            content=content,
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"},
        )
        self.keep(method, str(answer.request.url), content, answer, foreign=False)
        body: Json = answer.json()
        return answer.status_code, body

    def keep(self, method: str, url: str, content: bytes, answer: httpx.Response, *, foreign: bool) -> None:
        """Remember an exchange with the API."""
        parts = urlsplit(url)
        encoded = content.decode() or parts.query
        form = parse_qsl(encoded, keep_blank_values=True)
        if parts.path.startswith("/v1/"):
            self.exchanges.append(Exchange(method, parts.path, form, answer.status_code, answer.json(), foreign))

    def post(self, path: str, **params: Any) -> Json:
        """The answer to a POST that must succeed."""
        return self._right("POST", path, params)

    def get(self, path: str, **params: Any) -> Json:
        """The answer to a GET that must succeed."""
        return self._right("GET", path, params)

    def delete(self, path: str, **params: Any) -> Json:
        """The answer to a DELETE that must succeed."""
        return self._right("DELETE", path, params)

    def _right(self, method: str, path: str, params: Json) -> Json:
        status, body = self.call(method, path, params)
        if status != 200:
            raise WrongAnswerError(f"{method} {path}: {status} {body['error'].get('message')}")
        return body

    def now(self) -> int:
        """Virtual time."""
        return int(self.http.get("/_twin/health").json()["now"])

    def advance(self, seconds: float) -> None:
        """Move virtual time."""
        self.http.post("/_twin/clock", json={"advance_seconds": seconds}).raise_for_status()

    def newest_event(self) -> str | None:
        """The id of the event reported last."""
        events = self.http.get("/v1/events?limit=1", headers={"Authorization": f"Bearer {KEY}"}).json()["data"]
        return events[0]["id"] if events else None

    def events_since(self, marker: str | None) -> list[Json]:
        """Events reported after that one, newest first, at most 100."""
        query = {"limit": "100"} | ({"ending_before": marker} if marker else {})
        answer = self.http.get("/v1/events", params=query, headers={"Authorization": f"Bearer {KEY}"})
        found: list[Json] = answer.json()["data"]
        return found


def flattened(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested parameters as the API takes them: `a[b][0]=c`."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from flattened(part, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from flattened(part, f"{name}[{place}]")
    elif isinstance(value, bool):
        yield name, str(value).lower()
    else:
        yield name, str(value)


@contextmanager
def running(folder: Path) -> Iterator[Stage]:
    """A twin with nothing in it, stopped at the end."""
    command = [sys.executable, "-m", "stripe_twin", "--port", "0", "--data", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 -- our own program
        assert process.stdout
        found = re.fullmatch(r"listening on (\S+)\n", process.stdout.readline())
        assert found, "the twin did not start"
        try:
            with httpx.Client(base_url=found[1], timeout=30, trust_env=False) as client:
                yield Stage(found[1], client)
        finally:
            process.terminate()
            process.wait(15)


@contextmanager
def relayed(stage: Stage) -> Iterator[str]:
    """An address that passes everything on to the twin and keeps the exchanges."""

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")
            }
            answer = stage.http.request(self.command, self.path, content=content, headers=headers)
            stage.keep(self.command, str(answer.request.url), content, answer, foreign=True)
            self.send_response(answer.status_code)
            for name in ("content-type", "request-id", "stripe-version", "stripe-should-retry"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_DELETE = pass_on  # noqa: N815 -- the names are the base class's

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is the base class's
            """Keep the output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def within(seconds: float) -> Iterator[None]:
    """Turns of waiting, the first at once, until the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)
