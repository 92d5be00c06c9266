"""The built styles, scripts, fonts and icons: found by their source name, served precompressed and immutable."""

import json
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import structlog
from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

log = structlog.get_logger(__name__)

DIST = Path(__file__).parent / "static" / "dist"
BUILD_HINT = "build them with `python tools/build_assets.py`"
# The name changes with the content, so a browser never has to ask again.
FOREVER = "public, max-age=31536000, immutable"

mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One built file in memory. `packed` is its gzip, None for what is compressed already."""

    media_type: str
    body: bytes
    packed: bytes | None


@dataclass(frozen=True, slots=True)
class Built:
    """What the asset build made. All of it is empty when the build has not run."""

    addresses: dict[str, str]
    files: dict[str, StaticFile]
    icons: dict[str, str]


def load(folder: Path) -> Built:
    """Read the folder the asset build writes. A missing build is logged; pages then come without a look."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        icons = json.loads((folder / "icons.json").read_text())
    except FileNotFoundError:
        log.warning("the pages' assets are missing", hint=BUILD_HINT, folder=str(folder))
        return Built({}, {}, {})
    files = {}
    for hashed in manifest["files"].values():
        packed = folder / f"{hashed}.gz"
        kind = mimetypes.guess_type(hashed)[0] or "application/octet-stream"
        files[hashed] = StaticFile(
            kind, (folder / hashed).read_bytes(), packed.read_bytes() if packed.is_file() else None
        )
    return Built({source: f"/static/{hashed}" for source, hashed in manifest["files"].items()}, files, icons)


@cache
def built() -> Built:
    """The build of this installation, read once."""
    return load(DIST)


def asset(name: str) -> str:
    """Return the address of a built file by the name of its source; empty when the build has not run."""
    return built().addresses.get(name, "")


def icon_body(name: str) -> Markup:
    """Return the shapes inside an icon's svg element; empty when the build has not run."""
    return Markup(built().icons.get(name, ""))  # noqa: S704 - made by our own build from lucide's files


router = APIRouter(include_in_schema=False)


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static_file(name: str, request: Request) -> Response:
    """Serve one built file."""
    found = built().files.get(name)
    if found is None:
        raise HTTPException(404)
    headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
    body = found.body
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = found.packed, "gzip"
    return Response(body, media_type=found.media_type, headers=headers)
