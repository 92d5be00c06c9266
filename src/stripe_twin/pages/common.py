"""What the pages share: templates, headers, and the card form with its checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stripe_twin.core.unit import Unit
from stripe_twin.resources.payment_methods import today
from stripe_twin.rules.amounts import money
from stripe_twin.rules.cards import CARDS, NOT_A_TEST_CARD, Card, flaws, words
from twin_kit.pages import HEADERS, templates_of

STATIC = Path(__file__).parent / "static"
_FIELD_LIMIT = 500

_templates = templates_of("stripe_twin.pages")


def _day(moment: int | None) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%-d %b %Y}" if moment is not None else ""


def _instant(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"


_templates.filters.update(money=money, day=_day, instant=_instant)


def show(template: str, status: int = 200, **context: Any) -> Response:
    """The page, with headers that allow nothing but its own style sheet."""
    return HTMLResponse(_templates.get_template(template).render(context), status, HEADERS)


def lost(what: str) -> Response:
    """A page that says that an address leads nowhere."""
    return show("message.html", 404, title="Not found", words=f"{what} does not exist. Check the address.", link=None)


def go(address: str) -> Response:
    """See other: the browser goes on with a GET."""
    return RedirectResponse(address, 303)


async def posted(request: Request) -> dict[str, str]:
    """The text fields of the form, trimmed."""
    async with request.form(max_files=0, max_fields=50) as form:
        return {name: value.strip()[:_FIELD_LIMIT] for name, value in form.items() if isinstance(value, str)}


@dataclass
class CardForm:
    """The fields as typed, what is wrong with each in words, and the card when nothing is."""

    values: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    card: Card | None = None
    month: int = 0
    year: int = 0

    @property
    def status(self) -> int:
        """200 for a fresh form, 422 for wrong fields, 402 for a refusal."""
        if self.errors:
            return 422
        return 402 if self.problem else 200


def read_card(unit: Unit, values: Mapping[str, str], *, email: bool) -> CardForm:
    """Check the form; `email` says whether an address is asked for."""
    form = CardForm(values)
    if email:
        name, _, domain = values.get("email", "").partition("@")
        if not name or "." not in domain or " " in domain:
            form.errors["email"] = "Enter an e-mail address, such as name@example.com."
    number = values.get("card_number", "").replace(" ", "").replace("-", "")
    month, year = _number(values.get("exp_month", "")), _number(values.get("exp_year", ""))
    if year is not None and year < 100:
        year += 2000
    for flaw in flaws(number, month, year, values.get("cvc", ""), today(unit)):
        form.errors.setdefault(flaw.field, flaw.words)
    if form.errors or month is None or year is None:
        return form
    form.card, form.month, form.year = CARDS.get(number), month, year
    if form.card is None:
        form.problem = words(NOT_A_TEST_CARD.code, NOT_A_TEST_CARD.decline_code)
    return form


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 4 else None
