"""The grid of promises as a page: every call and every page, and what each kind of caller gets."""

from collections.abc import Iterable
from typing import Any

HEAD = """# Promises

What every call of the API and every page promises, to everybody. `tests/promises` tries each of them; a route that is
not here fails the build. A test named instead of an answer makes the good call, which needs a world of its own there.

"""
API = """## Calls

No login is 401, a role or key without the permission 403, another tenant's thing 404 as if it did not exist, and what
is wrong 422 with every field named. A browser's session needs its token for what changes something (403). `once`: sent
again with the same `Idempotency-Key`, it is done once and answered alike. `same`: sent again it does no harm. Beyond
this table, nonsense in every field, query, path and header of every call is never a fault of ours.

| call | needs | success | wrong fields | no login | wrong role | another tenant | no token | again |
|---|---|---|---|---|---|---|---|---|
"""
PAGES = """
## Pages and forms

Without a login one is led to the log-in page (303), without the permission there is a 403, another tenant's thing is a
404. What is wrong in a form stands beside its field or on top of the page. A form without its token, with another's, or
from another site is refused (403). Sent twice it does no harm; the answers it may have then are listed.

| page | needs | success | wrong fields | no login | wrong role | another tenant | no token | again |
|---|---|---|---|---|---|---|---|---|
"""
NONE = "\N{EN DASH}"


def promises_page(grid: Iterable[Any], pages: Iterable[Any], public: str, unranked: frozenset[str]) -> str:
    """Return the page. `public` is the need of what needs no login; `unranked` are needs that are no permission."""
    return "".join(
        (
            HEAD,
            API,
            *(_row(_of_call(each, public, unranked)) for each in grid),
            PAGES,
            *(_row(_of_page(each, public, unranked)) for each in pages),
        )
    )


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _of_call(route: Any, public: str, unranked: frozenset[str]) -> list[str]:
    names = ", ".join(f"`{name}`" for name in sorted(route.wrong[1])) if route.wrong else ""
    is_private = route.needs != public
    again = ("once" if route.once else "same") if route.writes else NONE
    return [
        f"`{route.call}`",
        _need(route.needs),
        str(route.success or "in a test of its own"),
        f"422: {names}" if names else NONE,
        "401" if is_private else NONE,
        "403" if is_private and route.needs not in unranked else NONE,
        "404" if route.others is not None else NONE,
        "403" if route.writes and is_private else NONE,
        again,
    ]


def _of_page(page: Any, public: str, unranked: frozenset[str]) -> list[str]:
    fields, names = page.wrong or ({}, ())
    beside = ", ".join(f"`{name}`" for name in sorted(names))
    is_private = page.needs != public
    return [
        f"`{page.call}`",
        _need(page.needs),
        str(page.success) if page.success else f"`{page.told}`",
        f"{page.refused}: {beside or 'on top'}" if fields else NONE,
        "303" if is_private else NONE,
        "403" if is_private and page.needs not in unranked else NONE,
        "404" if page.others is not None else NONE,
        (page.foreign or "403") if page.writes else NONE,
        " or ".join(str(status) for status in sorted(page.twice)) if page.writes else NONE,
    ]


def _need(needs: str) -> str:
    return f"`{needs}`" if ":" in needs else str(needs)
