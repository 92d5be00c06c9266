"""How often each page asks the database, and that more rows do not make it ask more often.

A page that asks for one more thing changes its number here, and whoever changes it sees that. Counted is what a page
asks when it is looked at again: who calls is in memory then, as it is for all but the first look.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from bench.mirror import IDENT, OURS
from bench.pages_looked_at import ADMIN, AT_THE_PROVIDER, NOT_LOOKED_AT, PORTAL, PUBLIC, VARYING
from psycopg import sql
from sqlalchemy import event, text

from support import settled
from tollkeeper.infra import Runtime
from tollkeeper.metering.rolling import roll_up

from .admin_pages import look
from .pages import PAGES, Page
from .visits import Visits

COPIES = 30
ABOUT_ONE = {
    "/admin/organizations/{organization_id}": "select organization_id from billing_customers limit 1",
    "/admin/people/{person_id}": "select id from users where staff_role is null order by id limit 1",
    "/admin/subscriptions/{subscription_id}": "select id from subscriptions limit 1",
    "/admin/invoices/{invoice_id}": "select id from invoices limit 1",
    "/admin/webhooks/{event_id}": "select id from provider_events limit 1",
}
"""Pages about one thing whose rows in the grid only know that there is none, and where there is one."""
_asked: ContextVar[list[str] | None] = ContextVar("asked", default=None)

COUNTS = {
    "/": 1,
    "/activity": 4,
    "/admin": 5,
    "/admin/catalogue": 7,
    "/admin/catalogue/file": 5,
    "/admin/catalogue/versions": 7,
    "/admin/disputes": 4,
    "/admin/dunning": 5,
    "/admin/invoices": 5,
    "/admin/invoices/{invoice_id}": 15,
    "/admin/jobs": 6,
    "/admin/mails": 3,
    "/admin/organizations": 6,
    "/admin/organizations/{organization_id}": 18,
    "/admin/organizations/{organization_id}/cancel": 8,
    "/admin/organizations/{organization_id}/credits": 5,
    "/admin/organizations/{organization_id}/extend": 8,
    "/admin/organizations/{organization_id}/members/{person_id}/act-as": 6,
    "/admin/organizations/{organization_id}/plan": 6,
    "/admin/organizations/{organization_id}/reinstate": 5,
    "/admin/organizations/{organization_id}/suspend": 5,
    "/admin/organizations/{organization_id}/trial": 8,
    "/admin/payments": 4,
    "/admin/people": 4,
    "/admin/people/{person_id}": 15,
    "/admin/people/{person_id}/log-out": 5,
    "/admin/refunds": 4,
    "/admin/search": 9,
    "/admin/settings": 3,
    "/admin/subscriptions": 7,
    "/admin/subscriptions/{subscription_id}": 9,
    "/admin/system": 12,
    "/admin/trail": 9,
    "/admin/webhooks": 4,
    "/admin/webhooks/{event_id}": 5,
    "/audit": 5,
    "/billing": 7,
    "/billing/addons": 5,
    "/billing/cancel": 5,
    "/billing/change": 6,
    "/billing/details": 3,
    "/billing/invoices/{invoice_id}": 12,
    "/billing/invoices/{invoice_id}/pdf": 3,
    "/billing/payment-methods": 6,
    "/changelog": 0,
    "/checkout/cancelled": 2,
    "/checkout/return": 5,
    "/checkout/return/state": 5,
    "/dashboard": 16,
    "/docs": 0,
    "/docs/api": 0,
    "/docs/errors": 0,
    "/imprint": 0,
    "/keys": 3,
    "/keys/{key_id}": 7,
    "/keys/{key_id}/revoke": 7,
    "/login": 0,
    "/login/sso": 3,
    "/notifications": 4,
    "/organizations/new": 2,
    "/password/forgot": 0,
    "/pricing": 1,
    "/privacy": 0,
    "/profile": 5,
    "/profile/delete": 3,
    "/profile/picture": 3,
    "/robots.txt": 0,
    "/security": 11,
    "/security/recovery-codes": 3,
    "/security/sign-in": 3,
    "/security/totp": 4,
    "/security/totp/remove": 3,
    "/signup": 0,
    "/sitemap.xml": 0,
    "/status": 0,
    "/team": 9,
    "/team/leave": 2,
    "/team/members/{user_id}": 10,
    "/team/roles/new": 3,
    "/team/roles/{key}": 7,
    "/team/sign-on": 8,
    "/team/transfer": 6,
    "/terms": 0,
    "/ui": 0,
    "/usage": 14,
    "/verify/resend": 0,
}


@contextmanager
def counting(runtime: Runtime) -> Iterator[list[str]]:
    """Every statement that is asked within by this task, and by those it begins."""
    engine = runtime.database.engine.sync_engine
    found: list[str] = []

    def note(_: Any, __: Any, statement: str, *_more: Any) -> None:
        asked = _asked.get()
        if asked is not None:
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    token = _asked.set(found)
    try:
        yield found
    finally:
        _asked.reset(token)
        event.remove(engine, "before_cursor_execute", note)


async def looked_at(runtime: Runtime) -> dict[str, Page]:
    """Every page that can be looked at, by its address."""
    pages = {
        page.path: page
        for page in PAGES
        if not page.writes and page.success == 200 and not page.path.startswith(("/static/", "/brand/"))
    }
    async with runtime.transaction() as tx:
        for path, query in ABOUT_ONE.items():
            found = (await tx.connection.execute(text(query))).scalar_one()
            pages[path] = look(f"GET {path.partition('{')[0]}{found}")
    return pages


async def count_all(visits: Visits, pages: dict[str, Page]) -> dict[str, int]:
    """How often each page asks when it is looked at again, all usage rolled up."""
    return {path: await asked(visits, path, page) for path, page in pages.items()}


async def rolled_up(runtime: Runtime) -> None:
    """Have all usage in the rollups: what some pages need for a look is usage, too."""
    await settled(runtime)
    async with runtime.transaction(of_all=True) as tx:
        assert (await roll_up(tx)) is not None


async def asked(visits: Visits, path: str, page: Page) -> int:
    """How often a page asks, as soon as two looks agree: word of an earlier change may only now empty the memory."""
    counts: list[int] = []
    for _ in range(6):
        await rolled_up(visits.world.runtime)
        with counting(visits.world.runtime) as found:
            answer = await visits.good(page)
        assert answer.status_code in {200, 303}, f"{path}: {answer.status_code}"
        counts.append(len(found))
        if counts[-1:] == counts[-2:-1]:
            return counts[-1]
    raise AssertionError(f"{path} asks another number of times at each look")


def multiply(url: str) -> None:
    """Have as many more of each organization, with all that it bought; every id in it is another one."""
    with psycopg.connect(url) as connection:
        theirs, ours = set[str](), set[str]()
        for table in OURS:
            rows = connection.execute(sql.SQL("select to_jsonb(t) from {} t").format(sql.Identifier(table))).fetchall()
            theirs.update(name for (row,) in rows for name in IDENT.findall(json.dumps(row)))
            ours.update(row["id"] for (row,) in rows if "id" in row)
        row_text: sql.Composable = sql.SQL("to_jsonb(t)::text")
        for ident in sorted(theirs):
            row_text = sql.SQL("replace({}, {}, {} || n)").format(row_text, ident, f"{ident}x")
        for ident in sorted(ours):
            row_text = sql.SQL("replace({}, {}, (md5({} || n)::uuid)::text)").format(row_text, ident, ident)
        for table in OURS:
            connection.execute(
                sql.SQL(
                    "insert into {table} select r.* from {table} t, generate_series(1, {count}) n, "
                    "lateral jsonb_populate_record(null::{table}, {text}::jsonb) r"
                ).format(table=sql.Identifier(table), count=COPIES, text=row_text)
            )


def test_each_page_is_measured_or_it_is_said_why_not() -> None:
    """By `python -m bench.pages`, where the database is large."""
    looked_at = [*PUBLIC, *PORTAL, *AT_THE_PROVIDER, *ADMIN, *VARYING]
    addresses = {re.split(r"[? ]", each)[0].replace("/{}/act-as", "/{}/members/{}/act-as") for each in looked_at}
    left_out = {path for paths in NOT_LOOKED_AT.values() for path in paths}
    pages = {page.path for page in PAGES if not page.writes}
    measured = {
        path for path in pages if any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), each) for each in addresses)
    }
    assert pages - measured == left_out


async def test_each_page_asks_as_often_as_it_is_said(visits: Visits, clean_database: str) -> None:
    # The same things before and after: a copy's id is none that an address takes.
    pages = await looked_at(visits.world.runtime)
    found = await count_all(visits, pages)
    multiply(clean_database)
    more = await count_all(visits, pages)
    grown = {path: (count, more[path]) for path, count in found.items() if more[path] > count}
    changed = {path: count for path, count in found.items() if COUNTS.get(path) != count}
    assert (grown, changed) == ({}, {}), f"once more for each row: {grown}; say so in COUNTS, if meant: {changed}"
    assert set(COUNTS) == set(found), "these pages are gone"
