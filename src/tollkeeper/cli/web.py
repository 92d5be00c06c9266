"""One web process: uvicorn on a socket that is listening already."""

import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

DRAIN_SECONDS = 10


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def run_web(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests under way within `DRAIN_SECONDS`.

    Raises:
        SystemExit: the application did not start; it has said why.
    """
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # the supervisor says what starts and stops
    server = _Server(config, ready)
    server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)
