"""One web process: uvicorn on a socket that is listening already."""

import asyncio
import gc
import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from .patience import send_away
from .protocol import HttpProtocol, NoShortWay, ShortWay

DRAIN_SECONDS = 10
GC_THRESHOLDS = (20_000, 50, 100)


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready, and when it is about to stop."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], leaving: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._leaving = leaving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._usher = asyncio.create_task(send_away(self.server_state.connections))  # type: ignore[arg-type]
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._usher.cancel()
        self._leaving()
        await super().shutdown(sockets)


def run_web(
    app: ASGIApp,
    listener: socket.socket,
    ready: Callable[[], None],
    trusted_proxies: Sequence[str] = (),
    short_way: ShortWay | None = None,
    *,
    leaving: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests under way within `DRAIN_SECONDS`.

    Args:
        app: the application.
        listener: a listening socket, shared with sibling processes.
        ready: called once requests are answered.
        trusted_proxies: addresses whose `X-Forwarded-For` and `-Proto` are believed.
        short_way: answers some requests without the application; None: all go through it.
        leaving: called when it is to stop, before requests are waited for: ends those that last until told to.

    Raises:
        SystemExit: the application did not start; it has said why.
    """
    config = uvicorn.Config(
        app,
        http=partial(HttpProtocol, short_way=short_way or NoShortWay()),  # type: ignore[arg-type]
        ws="none",  # nothing is served over WebSockets
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # the supervisor says what starts and stops
    # What is loaded by now lives as long as the process; collections need not walk it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    server = _Server(config, ready, leaving)
    server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)
