"""One web process: uvicorn on a socket that is listening already."""

import gc
import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from .protocol import HttpProtocol, ShortWay

DRAIN_SECONDS = 10
GC_THRESHOLDS = (20_000, 50, 100)


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def run_web(
    app: ASGIApp,
    listener: socket.socket,
    ready: Callable[[], None],
    trusted_proxies: Sequence[str] = (),
    short_way: ShortWay | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests under way within `DRAIN_SECONDS`.

    Args:
        app: the application.
        listener: a listening socket, shared with sibling processes.
        ready: called once requests are answered.
        trusted_proxies: addresses whose `X-Forwarded-For` and `-Proto` are believed.
        short_way: answers some requests without the application; None: all go through it.

    Raises:
        SystemExit: the application did not start; it has said why.
    """
    config = uvicorn.Config(
        app,
        http=partial(HttpProtocol, short_way=short_way) if short_way else "auto",  # type: ignore[arg-type]
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
    server = _Server(config, ready)
    server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)
