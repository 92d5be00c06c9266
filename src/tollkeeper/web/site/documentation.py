"""The documentation's pages: the list of contents with a search, each page, and what changed."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tollkeeper.web.ui import page

from . import library

router = APIRouter(include_in_schema=False)

MAX_QUERY = 100


@router.get("/docs")
async def contents_page(request: Request, q: str = "") -> Response:
    """Show what there is to read, or what has the words looked for."""
    query = " ".join(q.split())[:MAX_QUERY]
    found = library.found(query)
    return page(request, "site/docs_home.html", sections=library.sections(), query=query, found=found)


@router.get("/docs/{name:path}")
async def text_page(request: Request, name: str) -> Response:
    """Show one page of the documentation."""
    text = library.text_of(name)
    if text is None:
        raise HTTPException(404)
    section, entry = library.entries()[name]
    row = [each for _, each in library.entries().values()]
    at = row.index(entry)
    return page(
        request,
        "site/docs_page.html",
        sections=library.sections(),
        query="",
        section=section.title,
        text=text,
        before=row[at - 1] if at else None,
        after=row[at + 1] if at + 1 < len(row) else None,
    )


@router.get("/changelog")
async def changelog_page(request: Request) -> Response:
    """Show what changed, version by version."""
    return page(request, "site/text.html", text=library.changelog(), note="")
