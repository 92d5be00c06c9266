"""Calls to addresses that a customer can set: to the public internet alone, and to the very address that was checked.

A name is resolved once; every address it stands for must be public, and the connection is made to one of those, so
that a name that answers differently the second time gains nothing. Redirects go the same way. Answers are bounded in
size and time. Fixed addresses out of the settings (the provider, SMTP) are the operator's word and do not come here.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx

from tollkeeper.kit import FieldProblem, InvalidInputError, UnavailableError

from .settings import Settings

IpAddress: TypeAlias = IPv4Address | IPv6Address
IpNetwork: TypeAlias = IPv4Network | IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[IpAddress]]]

MAX_ANSWER_BYTES = 1024 * 1024
TIMEOUT_SECONDS = 10.0
MAX_URL = 2000
WEB_PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# Public by number, not by use: what carries an address of the inside within, and what clouds answer their machines at.
NEVER = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "fec0::/10",
    )
)


class AddressRefusedError(InvalidInputError):
    """An address that a customer set leads to where we do not go."""

    code = "address_not_allowed"
    title = "This address may not be called"
    hint = "Use an https address on the public internet."

    def __init__(self, reason: str, *, field: str = "") -> None:
        """`reason` is shown; it never tells what a name resolves to. `field` is where the address was set."""
        super().__init__([FieldProblem(field, reason, "address_not_allowed")])


class OutgoingFailedError(UnavailableError):
    """A call to an address that a customer set came to nothing: no answer in time, or one that is too large."""

    code = "outgoing_failed"
    title = "The address did not answer as it should"
    hint = "Check that the address is right and answers; then try again."


async def fetch_guarded(
    settings: Settings,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109 - a bound of the whole call, redirects and body included
    max_bytes: int = MAX_ANSWER_BYTES,
    redirects: int = 0,
) -> httpx.Response:
    """Call an address that a customer can set, and return the answer, read whole.

    Args:
        settings: tell whether this is production, and which inner networks may be called.
        method: of the request.
        url: absolute; `https` in production.
        headers: of the request; credentials are dropped by a redirect to another origin.
        content: the body.
        timeout: seconds for everything.
        max_bytes: how large the answer may be.
        redirects: how many are followed; beyond, the redirect itself is the answer (with 0) or a failure.

    Raises:
        AddressRefusedError: the address, or one it redirects to, leads to where we do not go.
        OutgoingFailedError: no answer in time, a broken one, or one that is too large.
    """
    try:
        async with asyncio.timeout(timeout), guarded_client(settings, redirects=redirects) as client:
            sent = {**(headers or {}), "Accept-Encoding": "identity"}  # nothing is unpacked, so nothing explodes
            request = client.build_request(method, url, headers=sent, content=content)
            answer = await client.send(request, stream=True)
            return await _read(answer, max_bytes)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise OutgoingFailedError(log=f"{type(error).__name__}: {error}") from error


def guarded_client(settings: Settings, *, redirects: int = 0) -> httpx.AsyncClient:
    """Return a client for libraries that bring their own calls; each goes only where `fetch_guarded` would.

    Time and size of answers are the caller's to bound.
    """
    return httpx.AsyncClient(
        transport=GuardedTransport(settings),
        timeout=TIMEOUT_SECONDS,
        trust_env=False,  # a proxy of the environment would resolve the name anew
        follow_redirects=redirects > 0,
        max_redirects=redirects,
    )


def check_outgoing_url(settings: Settings, url: str, *, field: str = "url") -> None:
    """Refuse, when it is set, what can be told from an address alone; where its name leads is checked at each call.

    Raises:
        AddressRefusedError: with the problem at `field`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefusedError("This is no address.", field=field) from None
    if len(url) > MAX_URL or any(not sign.isprintable() or sign.isspace() or sign == "\\" for sign in url):
        raise AddressRefusedError(f"An address of at most {MAX_URL} characters without spaces.", field=field)
    _check_parts(settings, parts.scheme, parts.hostname or "", port, field=field, user=parts.username is not None)
    try:
        literal = ip_address(parts.hostname or "")
    except ValueError:
        return
    _check_addresses(settings, [literal], field=field)


async def resolve(host: str, port: int) -> list[IpAddress]:
    """Return every address a name stands for, in the system's order of preference."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends each request to an address that was checked, under the name it was meant for."""

    def __init__(self, settings: Settings, *, resolve: Resolve = resolve) -> None:
        self._settings = settings
        self._resolve = resolve
        # No connection is used twice: two names at one address must not share what was shown to be one of them.
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check, pin and send.

        Raises:
            AddressRefusedError: the address leads to where we do not go.
        """
        url = request.url
        _check_parts(self._settings, url.scheme, url.host, url.port, user=bool(url.userinfo))
        port, name = url.port or (443 if url.scheme == "https" else 80), url.raw_host.decode("ascii").strip("[]")
        try:
            addresses = await self._resolve(name, port)
        except OSError as error:
            raise httpx.ConnectError(f"the name cannot be resolved: {error}", request=request) from error
        _check_addresses(self._settings, addresses)
        return await self._inner.handle_async_request(_pinned(request, addresses[0], name))

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()


def _check_parts(
    settings: Settings, scheme: str, host: str, port: int | None, *, field: str = "", user: bool = False
) -> None:
    if scheme != "https" and (scheme != "http" or settings.is_production):
        raise AddressRefusedError("An absolute https address is needed.", field=field)
    if not host:
        raise AddressRefusedError("The address names no host.", field=field)
    if user:
        raise AddressRefusedError("An address with a user name or password in it is not taken.", field=field)
    if port is not None and port not in WEB_PORTS and port < FIRST_FREE_PORT:
        raise AddressRefusedError("Ports below 1024 other than 80 and 443 are not called.", field=field)


def _check_addresses(settings: Settings, addresses: Sequence[IpAddress], *, field: str = "") -> None:
    if not addresses or not all(_is_allowed(settings, address) for address in addresses):
        raise AddressRefusedError("This address is not on the public internet.", field=field)


def _is_allowed(settings: Settings, address: IpAddress) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in NEVER):
        return False
    inner = [ip_network(text) for text in settings.outgoing_networks]
    if any(address in network for network in (*inner, *(() if settings.is_production else LOOPBACK))):
        return True
    return address.is_global and not address.is_multicast


def _pinned(request: httpx.Request, address: IpAddress, name: str) -> httpx.Request:
    """Return the request with the address in the name's place; `Host` and the certificate stay the name's."""
    host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    return httpx.Request(
        request.method,
        request.url.copy_with(host=host),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": name},
    )


async def _read(answer: httpx.Response, max_bytes: int) -> httpx.Response:
    """Read a streamed answer whole, but no more than that."""
    try:
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise OutgoingFailedError(log="answered packed though not asked to")
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > max_bytes:
                raise OutgoingFailedError(log=f"answered more than {max_bytes} bytes")
    finally:
        await answer.aclose()
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "transfer-encoding"]
    return httpx.Response(answer.status_code, headers=headers, content=bytes(body), request=answer.request)
