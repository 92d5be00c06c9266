"""The operator's look on pages: the accent as a small stylesheet over ours, and their sign."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tollkeeper.infra import Brand, Palette, RuntimeDep, Settings, brand_of

from .files import FOREVER

ADDRESS = "/brand/"
# A sign is somebody's drawing: whoever opens it by itself runs nothing that is in it.
_HARMLESS = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True, slots=True)
class Look:
    """What a page's head names. `style` and `logo` are addresses, empty where the operator set none."""

    name: str
    accent: str
    style: str
    logo: str


def look_of(settings: Settings) -> Look:
    """Return the look of this deployment's pages."""
    return _look(brand_of(settings))


@lru_cache(maxsize=8)
def _look(brand: Brand) -> Look:
    style = ADDRESS + _style_name(brand) if brand.has_accent else ""
    return Look(brand.name, brand.light.accent, style, ADDRESS + brand.logo.name if brand.logo else "")


def _style_name(brand: Brand) -> str:
    return f"accent-{hashlib.sha256(_style(brand).encode()).hexdigest()[:12]}.css"


def _style(brand: Brand) -> str:
    """Return the tokens the accent changes; ours stand in a layer, so that these win wherever they are loaded."""
    light, dark = _tokens(brand.light), _tokens(brand.dark)
    return (
        f":root{{{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme]){{{dark}}}}}"
        f"[data-theme=light]{{{light}}}[data-theme=dark]{{{dark}}}"
    )


def _tokens(palette: Palette) -> str:
    return (
        f"--color-primary:{palette.accent};--color-accent:{palette.accent};"
        f"--color-primary-content:{palette.on_accent};--color-accent-content:{palette.on_accent};"
        f"--tint-info:{palette.tint}"
    )


router = APIRouter(include_in_schema=False)


@router.api_route(ADDRESS + "{name}", methods=["GET", "HEAD"])
async def brand_file(name: str, runtime: RuntimeDep) -> Response:
    """Serve the accent's stylesheet or the sign."""
    brand = brand_of(runtime.settings)
    kept = {"cache-control": FOREVER}
    if brand.logo is not None and name == brand.logo.name:
        return Response(
            brand.logo.body, media_type=brand.logo.media_type, headers={**kept, "content-security-policy": _HARMLESS}
        )
    if brand.has_accent and name == _style_name(brand):
        return Response(_style(brand), media_type="text/css", headers=kept)
    raise HTTPException(404)
