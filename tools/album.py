"""Every page there is to look at, found by following links as people do, and held against the list of all pages."""

import html
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from tools.shown import Shown

from promises.pages import PAGES

GRID = [row for row in PAGES if not row.writes]
NO_PAGES = {
    "GET /robots.txt": "a file",
    "GET /sitemap.xml": "a file",
    "GET /static/{name}": "a file",
    "GET /brand/{name}": "a file",
    "GET /usage/live": "a stream",
    "GET /profile/exports/live": "a stream",
    "GET /admin/system/live": "a stream",
    "GET /admin/jobs/live": "a stream",
    "GET /profile/picture": "a picture",
    "GET /profile/exports/{export_id}": "a file",
    "GET /billing/invoices/{invoice_id}/pdf": "a file",
    "GET /admin/invoices/{invoice_id}/pdf": "a file",
    "GET /checkout/return/state": "a part of a page",
    "GET /admin/mails/{template}/html": "a mail, in the frame of its page, where no script runs",
    "GET /auth/elsewhere/{provider}": "leads on",
    "GET /auth/elsewhere/{provider}/callback": "leads on",
}
"""What is no page, and what it is instead."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One page: what it is called, where it is, whose cookies open it, and its row in the list of all pages."""

    name: str
    path: str
    who: str
    call: str


TRIES = 4
"""How many links to a page are followed that leads elsewhere or refuses, until it is given up."""
SHORT = {"/": "home", "/admin/organizations/{organization_id}": "admin-organization"}
_WHOM = "/admin/organizations/{organization_id}"
STARTS: dict[str, tuple[str, ...]] = {
    "": (
        *("/", "/pricing?interval=year", "/docs?q=hard+limit", "/docs/guides/selling-plans", "/docs/api", "/ui"),
        *("/no/such/page", "/imprint", "/verify?token=x", "/verify/resend", "/password/reset?token=x"),
        "/invitation?token=x",
    ),
    "ada": (
        *("/dashboard", "/usage?feature=prompts&span=7d", "/audit?area=key.", "/checkout/cancelled"),
        *("/billing/promotion?promotion_code=LAUNCH20", "/billing/pause", "/billing/cancel", "/billing?interval=year"),
        *("/billing/change?plan=premium&interval=month&whole=yes", "/billing/change?plan=premium&interval=month"),
        "/billing/addons?addon=extra_prompts&quantity=2&whole=yes",
        *("/checkout/return?session_id=cs_unknown", "/security/totp", "/team/transfer", "/organizations/new"),
        *("/billing/payment-methods?whole=yes", "/billing/details?whole=yes"),
    ),
    "emmy": ("/billing/unpause", "/billing"),
    "rosalind": ("/billing/reactivate", "/security", "/security/totp/remove", "/security/recovery-codes"),
    "mary.s": ("/billing",),
    "hedy": ("/step-up?next=/keys", "/usage", "/billing/payment-methods"),
    "grace": (
        *("/admin", "/admin/search?q=ada", "/admin/trail?area=login.", _WHOM, "/admin/people/{person_id}"),
        *(f"{_WHOM}/{act}" for act in ("suspend", "credits", "trial", "cancel", "plan")),
        *("/admin/organizations/{suspended}", "/admin/organizations/{suspended}/reinstate", "/admin/jobs/{failed}"),
        *("/admin/jobs/{failed}/retry", "/admin/jobs/{later}/cancel", "/admin/catalogue/versions/1/restore"),
        *("/admin/catalogue/plans/pro", "/admin/catalogue/features/prompts", "/admin/catalogue/addons/extra_prompts"),
    ),
}
"""Where each begins: what no link leads to, and what is better seen with something asked for or in another state."""
PATTERNS = [
    (row.call, re.compile(re.sub(r"\{\w+\}", "[^/]+", row.path.replace("/docs/{name}", "/docs/.+"))))
    for row in sorted(GRID, key=lambda row: row.path.count("{"))
]


@cache
def row_of(path: str) -> str:
    """Return the row an address belongs to; empty when it is none of ours."""
    return next((call for call, pattern in PATTERNS if pattern.fullmatch(path)), "")


def name_of(call: str) -> str:
    """Return the name of a row's page: `home`, `admin-organization`, `billing-invoices-invoice-id`."""
    path = call.partition(" ")[2]
    return SHORT.get(path) or re.sub(r"[^a-z]+", "-", path.lower()).strip("-") or "not-found"


def links_in(text: str, at: str) -> Iterator[str]:
    """Yield where a page's links lead, of what is ours."""
    for found in re.findall(r'href="([^"]+)"', text):
        address = urlsplit(urljoin(at, html.unescape(found)))
        if address.netloc == urlsplit(at).netloc:
            yield address.path + (f"?{address.query}" if address.query else "")


def album(shown: Shown) -> list[Sight]:
    """Open everything that can be reached, once a row and once a start."""
    sights: list[Sight] = []
    for who, starts in STARTS.items():
        cookies = {"Cookie": shown.cookies[who]} if who else {}
        with httpx.Client(base_url=shown.url, headers=cookies, trust_env=False, timeout=60) as client:
            sights += _seen_by(
                client, who, tuple(each.format(**shown.known) for each in starts), {each.call for each in sights}
            )
    names = Counter[str]()
    for number, sight in enumerate(sights):
        names[sight.name] += 1
        if names[sight.name] > 1:
            sights[number] = replace(sight, name=f"{sight.name}-{names[sight.name]}")
    return sights


def _seen_by(client: httpx.Client, who: str, starts: tuple[str, ...], known: set[str]) -> Iterator[Sight]:
    tries = Counter[str]()
    waiting = deque(starts)
    while waiting:
        path = waiting.popleft()
        call = row_of(urlsplit(path).path)
        tries[path] += 1
        tries[call] += 1
        enough = call in known | NO_PAGES.keys() or tries[call] > TRIES
        if tries[path] > 1 or (enough and path not in starts):
            continue
        answer = client.get(path)
        # Of a token that is none there is a page, too.
        if answer.status_code != httpx.codes.OK and (who or answer.status_code != httpx.codes.NOT_FOUND):
            continue
        known.add(call)
        yield Sight(name_of(call), path, who, call)
        waiting.extend(each for each in links_in(answer.text, str(answer.url)) if row_of(urlsplit(each).path))


def missing(sights: list[Sight]) -> list[str]:
    """Return the pages that no sight is of."""
    seen = {each.call for each in sights}
    return [row.call for row in GRID if row.call not in seen | NO_PAGES.keys()]


def cookies_of(header: str, url: str) -> list[Any]:
    """Return the cookies of a header as a browser takes them."""
    pairs = (each.split("=", 1) for each in header.split("; ") if each)
    return [{"name": name, "value": value, "url": url} for name, value in pairs]
