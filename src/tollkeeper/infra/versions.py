"""The versions of the API: in the path (`/api/v1/...`, `/api/...` is the newest), or as `API-Version` of a request."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from types import MappingProxyType
from typing import NamedTuple

from tollkeeper.kit import TollkeeperError

from .answers import Header

API_VERSION = "1"
"""What is answered when nothing else is asked for."""
VERSION_HEADER = b"api-version"
VERSION_LINE: Header = (VERSION_HEADER, API_VERSION.encode())


class Farewell(NamedTuple):
    """A version that goes: deprecated since a moment, gone at another, with a page that tells how to move on."""

    since: datetime
    gone: datetime
    page: str


VERSIONS: Mapping[str, Farewell | None] = MappingProxyType({API_VERSION: None})
"""Every version served; one that goes with its farewell."""


class UnknownApiVersionError(TollkeeperError):
    """A version of the API is asked for that is not served."""

    code = "unknown_api_version"
    status = 400
    title = "There is no such version of the API"
    hint = "Leave `API-Version` out, or send one that is served."


def version_headers(sent: bytes, served: Mapping[str, Farewell | None] = VERSIONS) -> list[Header]:
    """Return the headers that tell of the version asked for, and of its end where that is known (RFC 9745, RFC 8594).

    Raises:
        UnknownApiVersionError: it is not served.
    """
    version = sent.decode("latin-1").strip()
    if version not in served:
        raise UnknownApiVersionError(f"Served are: {', '.join(served)}.")
    found: list[Header] = [(VERSION_HEADER, sent.strip())]
    farewell = served[version]
    if farewell is not None:
        found += [
            (b"deprecation", b"@%d" % farewell.since.timestamp()),
            (b"sunset", format_datetime(farewell.gone.astimezone(UTC), usegmt=True).encode()),
            (b"link", f'<{farewell.page}>; rel="deprecation"'.encode()),
        ]
    return found
