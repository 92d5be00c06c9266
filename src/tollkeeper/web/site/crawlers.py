"""What search engines read: which pages there are, and which calls are none of their business."""

from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from tollkeeper.infra import base_url_of

from . import library

router = APIRouter(include_in_schema=False)

PUBLIC = (
    *("/", "/pricing", "/changelog", "/status"),
    *("/docs", "/docs/api", "/docs/errors"),
    *("/terms", "/privacy", "/imprint"),
)
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'


@router.get("/robots.txt")
async def robots(request: Request) -> Response:
    """Let everybody read the pages, and nobody crawl the API. Pages of customers ask for a login by themselves."""
    return PlainTextResponse(
        f"User-agent: *\nDisallow: /api/\nAllow: /\n\nSitemap: {base_url_of(request)}/sitemap.xml\n",
        headers={"cache-control": "public, max-age=3600"},
    )


@router.get("/sitemap.xml")
async def sitemap(request: Request) -> Response:
    """List every public page."""
    base = base_url_of(request)
    pages = [*PUBLIC, *(entry.href for _, entry in library.entries().values())]
    rows = "".join(f"  <url><loc>{escape(base + path)}</loc></url>\n" for path in pages)
    return Response(
        f"{_HEAD}{rows}</urlset>\n", media_type="application/xml", headers={"cache-control": "public, max-age=3600"}
    )
