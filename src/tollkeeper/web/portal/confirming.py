"""Pages that show what something costs, line by line, and ask before it is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import Request
from starlette.responses import Response

from tollkeeper.billing import Preview
from tollkeeper.kit import Actor, Money, new_id
from tollkeeper.web.ui import exact, page

from .person import Viewer

MAX_ONCE = 64


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be confirmed: `rows` add up to `total`, and the form goes to `action` with `fields`.

    `back` leads to the billing page and changes nothing.
    """

    title: str
    text: str
    rows: tuple[tuple[str, str], ...]
    total_words: str
    total: str
    action: str
    button: str
    back: str = "Leave it as it is"
    fields: Mapping[str, str] = field(default_factory=dict)


def ask(request: Request, viewer: Viewer, question: Question) -> Response:
    """Answer with the page that asks."""
    return page(request, "portal/confirm.html", viewer=viewer, banners=[], question=question)


def rows_of(preview: Preview) -> tuple[tuple[str, str], ...]:
    """Return an invoice to come as words and amounts, which add up to what is due."""
    currency = preview.due_now.currency
    rows = [(line.description, line.amount) for line in preview.lines]
    rows += [("Discount", -preview.discount_total)] if preview.discount_total else []
    rows += [("Tax", tax.amount) for tax in preview.taxes if tax.amount and not tax.inclusive]
    from_balance = preview.due_now.amount - preview.total
    if from_balance and preview.total >= 0:
        rows.append(("Credit" if from_balance < 0 else "Owed from before", from_balance))
    return tuple((words, exact(Money(amount, currency))) for words, amount in rows)


def once_of(fields: Mapping[str, str], kind: str, actor: Actor) -> str:
    """Return the key by which a form that is sent twice does its work once: what its page put into it as `once`.

    Something else in that field was not put there by a page of ours; then the form counts for itself.
    """
    once = fields.get("once", "")
    is_ours = once.isascii() and once.isalnum() and len(once) <= MAX_ONCE
    return f"{kind}-{actor.own_organization()}-{once if is_ours else new_id().hex}"
