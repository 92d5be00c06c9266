"""Pages on the wire: compressed, and forms' tokens masked so that compressing tells nothing of them.

Who can make a browser ask for a page with words of their choice, and see how long the answer is, could guess a secret
in it letter by letter (BREACH). A token that looks different in every answer cannot be guessed so.
"""

import gzip
import secrets

from fastapi import Request
from fastapi.responses import HTMLResponse

_MASKED = "~"
_WORTH_IT = 1_000
_LEVEL = 5
_LARGE, _LEVEL_OF_LARGE = 256 * 1024, 1


def masked(token: str) -> str:
    """Return the token as it is written into a page: never the same twice."""
    plain = token.encode()
    mask = secrets.token_bytes(len(plain))
    return _MASKED + (mask + _mixed(plain, mask)).hex()


def unmasked(sent: str) -> str:
    """Return what was masked; what was not masked comes back as it is, and nonsense as no token."""
    if not sent.startswith(_MASKED):
        return sent
    try:
        both = bytes.fromhex(sent[1:])
        half = len(both) // 2
        return _mixed(both[half:], both[:half]).decode()
    except ValueError:
        return ""


def _mixed(some: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(some, mask, strict=True))


def packed(request: Request, html: str, status: int) -> HTMLResponse:
    """Return the page as an answer, compressed when the browser takes that and it is worth it."""
    body = html.encode()
    if len(body) < _WORTH_IT or "gzip" not in request.headers.get("accept-encoding", ""):
        return HTMLResponse(body, status_code=status, headers={"vary": "accept-encoding"})
    headers = {"vary": "accept-encoding", "content-encoding": "gzip"}
    level = _LEVEL if len(body) < _LARGE else _LEVEL_OF_LARGE
    return HTMLResponse(gzip.compress(body, level, mtime=0), status_code=status, headers=headers)
