"""For whom passkeys are, by the address the browser sees."""

from urllib.parse import urlsplit

from fastapi import Request

from tollkeeper.identity import RelyingParty, relying_party
from tollkeeper.infra import base_url_of

_LOOPBACK = "127.0.0.1"
_NAMED = "localhost"


def party_of(request: Request) -> RelyingParty:
    """Return for whom passkeys of this server are: the address customers reach it at.

    A server tried out on this machine calls itself by its number; opened as `localhost` it is the same, with a name.

    Raises:
        PasskeysUnavailableError: it is reached by a number.
    """
    base = base_url_of(request)
    if urlsplit(base).hostname == _LOOPBACK and request.url.hostname == _NAMED:
        base = str(request.base_url).rstrip("/")
    return relying_party(base)
