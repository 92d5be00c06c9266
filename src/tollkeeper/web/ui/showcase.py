"""The components page: everything pages are made of, in every state. Public in development; in production for staff."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from fastapi import APIRouter, Request
from starlette.responses import Response

from tollkeeper.identity.staff import must_be_staff
from tollkeeper.infra import Runtime, RuntimeDep, optional_actor
from tollkeeper.kit import Money, UnauthenticatedError

from .charts import Point, Trend
from .forms import Errors, FormState, empty_form, read_form
from .render import go, page
from .tables import Asked, Column, Filter, Option, ShownTable, Table
from .toasts import TONES, toast

router = APIRouter(include_in_schema=False)

HOME = "/ui"
SHOWN = 4
_STATES = (Option("", "Any"), Option("active", "Active"), Option("owes", "Owes"), Option("ended", "Ended"))
TABLE = Table(
    path=HOME,
    columns=(
        Column("name", "Customer", sorts=True),
        Column("state", "State"),
        Column("used", "Used", sorts=True, is_number=True),
        Column("since", "Since", sorts=True),
        Column("act", "Actions", quiet=True),
    ),
    filters=(Filter("q", "Search", hint="Name"), Filter("state", "State", _STATES)),
    order="-since",
)
SECTIONS = (
    ("colour", "Colour"),
    ("type", "Type"),
    ("actions", "Actions"),
    ("words", "Tags and notices"),
    ("forms", "Forms"),
    ("tables", "Tables"),
    ("figures", "Figures"),
    ("moving", "Getting around"),
    ("asking", "Asking and telling"),
    ("numbers", "Time and numbers"),
    ("waiting", "Empty and waiting"),
)


@dataclass(frozen=True, slots=True)
class Customer:
    """One row of the table that is shown."""

    name: str
    state: str
    used: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Used:
    """What `usage_row` shows."""

    title: str
    used: int
    limit: int | None
    hard: bool
    reset_at: datetime | None
    level: str
    made_of: str = ""
    beyond: str = ""


@router.get(HOME)
async def components_page(request: Request, runtime: RuntimeDep) -> Response:
    """Show every component."""
    await _may_look(request, runtime)
    now = runtime.clock.now()
    asked = TABLE.read(request.query_params)
    table, rows = _listed(asked, now)
    return page(
        request,
        "ui/showcase.html",
        sections=SECTIONS,
        table=table,
        rows=rows,
        form=empty_form("name", "note"),
        refused=FormState(
            {"name": "Ada", "address": "ada@"}, Errors({"address": "Use an address such as ada@example.com."})
        ),
        choices=_STATES,
        trend=_trend(now),
        usage=_usage(now),
        moments=[now - timedelta(seconds=5), now - timedelta(minutes=3), now + timedelta(days=2)],
        amounts=[Money(2000, "usd"), Money(-350, "eur"), Money(123_456_789, "jpy"), Money(1200, "sek")],
        is_asking="ask" in request.query_params,
    )


@router.post(HOME)
async def say_form(request: Request, runtime: RuntimeDep) -> Response:
    """Say something on the next page."""
    await _may_look(request, runtime)
    fields = await read_form(request)
    tone = fields.get("tone", "")
    return toast(request, go(HOME), "This is how it is said.", tone if tone in TONES else "good")


async def _may_look(request: Request, runtime: Runtime) -> None:
    if not runtime.settings.is_production:
        return
    actor = optional_actor(request)
    if actor is None:
        raise UnauthenticatedError
    async with runtime.transaction(of_all=True) as tx:
        await must_be_staff(tx, actor)


def _listed(asked: Asked, now: datetime) -> tuple[ShownTable, list[Customer]]:
    """Return the table as asked for; its cursor is how many rows went before."""
    found = [
        each
        for each in _customers(now)
        if asked["q"].lower() in each.name.lower() and asked["state"] in {"", each.state}
    ]
    found.sort(key=attrgetter(asked.order), reverse=asked.descending)
    begin = int(asked.cursor) if asked.cursor.isdecimal() else 0
    further = begin + SHOWN if len(found) > begin + SHOWN else None
    return TABLE.shown(asked, next_cursor=str(further) if further else None), found[begin : begin + SHOWN]


def _customers(now: datetime) -> list[Customer]:
    named = (
        ("Northwind Traders", "active", 912_400),
        ("Harbour & Sons", "owes", 48_210),
        ("Lighthouse Labs", "active", 1_204_882),
        ("Pinecone Studio", "ended", 0),
        ("Tidewater Press", "active", 77_015),
        ("Ferry Crossing", "active", 5_320),
    )
    return [
        Customer(name, state, used, now - timedelta(days=9 + 31 * number))
        for number, (name, state, used) in enumerate(named)
    ]


def _trend(now: datetime) -> Trend:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    values = (120, 180, 90, 240, 310, 290, 160, 420, 380, 510, 470, 640, 590, 720)
    first = day - timedelta(days=len(values) - 1)
    return Trend("Prompts", "day", tuple(Point(first + timedelta(days=at), value) for at, value in enumerate(values)))


def _usage(now: datetime) -> list[Used]:
    end = now + timedelta(days=11)
    return [
        Used("Prompts", 320, 1000, True, end, "ok"),
        Used("Images", 92, 100, True, end, "near"),
        Used("Exports", 130, 100, False, end, "over", beyond="30 beyond the limit, $0.60 so far"),
        Used("Seats", 4, None, True, None, "ok"),
    ]
