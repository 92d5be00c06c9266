"""Listening sockets: taken first, before anything else is started."""

import errno
import socket
import time

from .errors import AddressInUseError, AddressUnusableError

BACKLOG = 2048
RETRY_SECONDS = 2.0
POLL_SECONDS = 0.05


def listen(host: str, port: int, *, fall_back: bool = False) -> socket.socket:
    """Return a listening socket; port 0 takes any free one.

    Args:
        host: a name or address of this machine.
        port: 0 to 65535.
        fall_back: take any free port when this one stays in use.

    A port in use is tried again for a while: parts of a killed server may be about to let go of it.

    Raises:
        AddressInUseError: another program listens there.
        AddressUnusableError: not an address of this machine, or not permitted.
    """
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            return _bind(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                reason = (error.strerror or str(error)).lower()
                raise AddressUnusableError(f"Cannot listen on {host}:{port}: {reason}.") from None
            if time.monotonic() >= deadline and fall_back:
                return _bind(host, 0)
            if time.monotonic() >= deadline:
                raise AddressInUseError(f"Another program listens on {host}:{port}.") from None
        time.sleep(POLL_SECONDS)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address a browser on this machine reaches the socket at."""
    host, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{reachable}:{port}"


def answers(port: int) -> bool:
    """Whether something listens on this port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
