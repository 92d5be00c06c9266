"""The audit of dependencies: what is known fails it, and so does what could not be checked."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tools.audit import UncheckedError, accepted, pinned

from .sources import ROOT

Answer = Callable[[list[Any]], tuple[int, Any]]


@pytest.fixture
def service() -> Iterator[tuple[str, dict[str, Answer]]]:
    """A small imitation of the service, which answers what a test puts in."""
    says: dict[str, Answer] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name http.server calls
            assert self.path == "/v1/querybatch"
            queries = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
            status, document = says["answer"](queries)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", says
    server.shutdown()
    server.server_close()
    thread.join()


def audit(url: str) -> tuple[int, str]:
    command = [sys.executable, "tools/audit.py"]
    environment = {**os.environ, "OSV_URL": url}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own program
    return done.returncode, done.stdout + done.stderr


def test_every_package_of_every_list_is_asked_about(service: tuple[str, dict[str, Answer]]) -> None:
    url, says = service
    asked: list[Any] = []
    says["answer"] = lambda queries: (asked.extend(queries), (200, {"results": [{}] * len(queries)}))[1]  # type: ignore[func-returns-value]
    code, said = audit(url)
    assert (code, said) == (0, f"{len(asked)} packages checked, 0 advisories that are not accepted.\n")
    names = {(each["package"]["ecosystem"], each["package"]["name"]) for each in asked}
    assert {
        ("PyPI", "fastapi"),
        ("PyPI", "sqlmap"),
        ("PyPI", "pytest"),
        ("npm", "htmx.org"),
        ("npm", "lighthouse"),
    } <= names


def test_what_is_known_fails_it(service: tuple[str, dict[str, Answer]]) -> None:
    url, says = service
    says["answer"] = lambda queries: (
        200,
        {"results": [{"vulns": [{"id": "X-1"}]} if q["package"]["name"] == "fastapi" else {} for q in queries]},
    )
    code, said = audit(url)
    assert code == 1
    assert "X-1: fastapi" in said


@pytest.mark.parametrize(
    "answer",
    [
        lambda queries: (503, {"results": [{}] * len(queries)}),
        lambda queries: (200, {"results": [{}] * (len(queries) - 1)}),
        lambda queries: (200, {"results": [{"next_page_token": "x"}] * len(queries)}),
        lambda _: (200, {}),
        lambda _: (200, "nonsense"),
    ],
)
def test_what_was_not_checked_fails_it(service: tuple[str, dict[str, Answer]], answer: Answer) -> None:
    url, says = service
    says["answer"] = answer
    code, said = audit(url)
    assert code == 1
    assert "Not checked, which is a failure" in said


def test_a_service_that_is_away_fails_it() -> None:
    code, said = audit("http://127.0.0.1:9")
    assert code == 1
    assert "did not answer" in said


def lists(folder: Path, requirement: str, lock: Any) -> Path:
    (folder / "requirements").mkdir()
    (folder / "requirements" / "x.txt").write_text(requirement)
    (folder / "package-lock.json").write_text(json.dumps({"packages": lock}))
    return folder


@pytest.mark.parametrize("line", ["fastapi>=1\n", "git+https://example.org/x\n", "-r other.txt\n", "fastapi\n"])
def test_a_line_that_pins_nothing_fails_it(tmp_path: Path, line: str) -> None:
    with pytest.raises(UncheckedError):
        pinned(lists(tmp_path, line, {}))


@pytest.mark.parametrize(
    "lock", [{}, {"": {}, "node_modules/a": {"link": True, "version": "1"}}, {"node_modules/a": {}}]
)
def test_a_lock_that_pins_nothing_fails_it(tmp_path: Path, lock: Any) -> None:
    with pytest.raises(UncheckedError):
        pinned(lists(tmp_path, "", lock))


def test_what_is_accepted_has_an_end_and_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "accepted.txt"
    path.write_text("# why\nX-1 2026-12-31 only on Windows\nX-2 2026-01-01 over by now\n")
    assert accepted(path, date(2026, 6, 1)) == {"X-1"}
    path.write_text("X-1 because\n")
    with pytest.raises(UncheckedError):
        accepted(path, date(2026, 6, 1))
    assert accepted(tmp_path / "none.txt", date(2026, 6, 1)) == set()
