"""A server made of small real parts, run as a program by the tests: `sample_server.py DATA PORT [FAULT]`."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg

from tollkeeper.cli.run import guarded
from tollkeeper.cli.serve import Parts, serve
from tollkeeper.cli.web import run_web
from tollkeeper.infra import Settings, load_settings
from tollkeeper.kit import ConflictError

DATA, PORT = Path(sys.argv[1]), int(sys.argv[2])
FAULTS = set(sys.argv[3:])


def note(line: str) -> None:
    with (DATA / "log").open("a") as log:
        log.write(f"{line}\n")


def connect(settings: Settings) -> psycopg.Connection:
    assert settings.owner_url
    return psycopg.connect(settings.owner_url, autocommit=True)


def prepare(settings: Settings, address: str) -> None:
    assert address.startswith("http://127.0.0.1:")
    if "prepare" in FAULTS:
        raise ConflictError("the tables are newer than this program")
    with connect(settings) as connection:
        connection.execute("select pg_advisory_lock(1)")  # "if not exists" alone is no match for two at once
        connection.execute("create table if not exists visits (at timestamptz default now())")
    note("prepared")


async def reply(send: Any, body: bytes) -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})


def app(settings: Settings) -> Any:
    async def serve_one(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            note("web drained")
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/slow":
            note("slow asked")
            await asyncio.sleep(1)
        with connect(settings) as connection:
            connection.execute("insert into visits default values")
            row = connection.execute("select count(*) from visits").fetchone()
        facts = {"pid": os.getpid(), "visits": row and row[0], "stripe": settings.stripe_api_base}
        await reply(send, json.dumps(facts).encode())

    return serve_one


def web(settings: Settings, listener: socket.socket, ready: Callable[[], None]) -> None:
    if "web" in FAULTS:
        raise RuntimeError("the application is broken")
    run_web(app(settings), listener, ready)


def worker(_: Settings, ready: Callable[[], None]) -> None:
    def leave(_: int, __: FrameType | None) -> None:
        note("worker finished")
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    note(f"worker {os.getpid()}")
    ready()
    while True:
        time.sleep(60)


def run() -> int:
    settings = load_settings(data_dir=DATA)
    return serve(settings, "127.0.0.1", PORT, 2, lambda: Parts(prepare, web, worker, ("demo@example.com", "secret")))


if __name__ == "__main__":
    sys.exit(guarded(run))
