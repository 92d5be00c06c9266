"""A ClickHouse to test against: its HTTP protocol, as far as the client speaks it, over the engine inside Python.

Started as a process of its own: `python clickhouse_server.py FOLDER`; says its port, and runs until its input ends.
"""

import importlib
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# By name: neither has types, and the engine is not installed everywhere.
lz4_frame: Any = importlib.import_module("lz4.frame")
engine: Any = importlib.import_module("chdb.session")

PASSWORD = "Basic dG9sbGtlZXBlcjpzZWNyZXQ="


class Handler(BaseHTTPRequestHandler):
    """One request after the other, whatever connections there are."""

    protocol_version = "HTTP/1.1"
    session: Any
    one_at_a_time = threading.Lock()
    folder: Path

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = (
            self.rfile.read(int(self.headers.get("Content-Length") or 0)) if not self._is_chunked() else self._chunks()
        )
        if self.headers.get("Content-Encoding") == "lz4":
            body = lz4_frame.decompress(body)
        if self.headers.get("Authorization") != PASSWORD:
            self._send(403, b"Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)")
            return
        try:
            with self.one_at_a_time:
                answer = self._run(body)
            self._send(200, answer)
        except Exception as error:  # noqa: BLE001 - told to the client, as the server does
            self._send(500, f"Code: 1. DB::Exception: {error}".encode())

    def _is_chunked(self) -> bool:
        return self.headers.get("Transfer-Encoding") == "chunked"

    def _chunks(self) -> bytes:
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def _run(self, body: bytes) -> bytes:
        inserts = re.match(rb"\s*insert\s+into\s+(.+?)\s+format\s+(\w+)\s*\n", body, re.IGNORECASE | re.DOTALL)
        if inserts is None:
            return bytes(self.session.query(body.decode(), "TabSeparated").bytes())
        file = self.folder / "inserted"
        file.write_bytes(body[inserts.end() :])
        into, form = (each.decode() for each in inserts.groups())
        return bytes(self.session.query(f"INSERT INTO {into} SELECT * FROM file('{file}', '{form}')").bytes())  # noqa: S608 - the test's own

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def main() -> None:
    Handler.folder = Path(sys.argv[1]).resolve()
    Handler.session = engine.Session(str(Handler.folder / "store"))
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
