"""What the billing pages show, made from what billing and the catalogue say. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tollkeeper.billing import ChangeAt, DiscountState, Invoice, PreviewedChange, Status, Subscription, rests
from tollkeeper.catalog import Catalogue, Plan
from tollkeeper.kit import Money
from tollkeeper.rating import Interval
from tollkeeper.web.ui import PlanCard, amount, cards, exact

from .views import Banner, Fact

# What the provider calls a state -> the word a customer reads, and its colour.
SUBSCRIPTION_STATES = {
    "active": ("Active", "good"),
    "trialing": ("Trial", "accent"),
    "past_due": ("Past due", "warn"),
    "unpaid": ("Unpaid", "bad"),
    "incomplete": ("Payment not finished", "warn"),
    "paused": ("Paused", "warn"),
}
INVOICE_STATES = {
    "paid": ("Paid", "good"),
    "open": ("Open", "warn"),
    "draft": ("Draft", "neutral"),
    "uncollectible": ("Not collected", "bad"),
    "void": ("Void", "neutral"),
}


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """The current plan in words. `until` is the date the note leads up to; `paid` whether there is a subscription."""

    plan: str
    state: str
    tone: str
    note: str
    until: datetime | None
    paid: bool


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice in the list; `href` is its page."""

    number: str
    at: datetime
    state: str
    tone: str
    amount: str
    href: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the return page says. `state` is waiting, late or done; `delay` in milliseconds until it asks again."""

    state: str
    title: str
    text: str
    lines: tuple[str, ...] = ()
    delay: int = 0


def subscription_view(status: Status, catalogue: Catalogue) -> SubscriptionView:
    """Return the current plan as the billing page shows it."""
    plan = catalogue.plans[status.plan]
    state, tone = SUBSCRIPTION_STATES.get(status.status, (status.status.replace("_", " ").capitalize(), "neutral"))
    until = status.current_period_end
    if status.subscription is None:
        return SubscriptionView(plan.name, state, tone, "No charge. Usage resets", until, paid=False)
    if rests(status.subscription.pause) or is_not_paid(status.subscription):
        return _resting(status, catalogue, status.subscription)
    if status.cancel_at_period_end:
        return SubscriptionView(plan.name, "Ends soon", "warn", "Cancelled. You keep it until", until, paid=True)
    cost = _cost(plan, status)
    if status.subscription.extended_until is not None:
        note = f"{cost}. Made longer at no charge, renews" if cost else "Made longer at no charge, renews"
        return SubscriptionView(
            plan.name, *SUBSCRIPTION_STATES["active"], note, status.subscription.extended_until, paid=True
        )
    if status.status == "trialing":
        note = f"{cost} after the trial. Free until" if cost else "Free until"
        return SubscriptionView(plan.name, state, tone, note, status.trial_end or until, paid=True)
    note = f"{cost}. Renews" if cost else "Renews"
    return SubscriptionView(plan.name, state, tone, note, until, paid=True)


def _resting(status: Status, catalogue: Catalogue, subscription: Subscription) -> SubscriptionView:
    """Return a plan that was bought and is not given: it is paused, or its period is not paid."""
    name, meanwhile = plan_bought(status, catalogue).name, f"On {catalogue.default.name} meanwhile"
    if subscription.pause is None:
        return SubscriptionView(name, "Not paid", "bad", f"{meanwhile}, until it is paid.", None, paid=True)
    if status.cancel_at_period_end:
        end = status.current_period_end
        return SubscriptionView(name, "Paused", "warn", f"{meanwhile}. Cancelled, ends", end, paid=True)
    until = subscription.pause.until
    note = f"{meanwhile}, nothing is owed. Goes on" if until else f"{meanwhile}, nothing is owed."
    return SubscriptionView(name, "Paused", "warn", note, until, paid=True)


def is_not_paid(subscription: Subscription) -> bool:
    """Whether the running period is not paid, and no payment of it is on its way."""
    return subscription.unpaid and subscription.processing_since is None and subscription.status == "active"


def plan_bought(status: Status, catalogue: Catalogue) -> Plan:
    """Return the plan that was bought, which may be withheld; without a subscription, or one of ours, that in use."""
    bought = status.subscription.plan if status.subscription else None
    return catalogue.plans.get(bought or "") or catalogue.plans[status.plan]


def discount_words(discount: DiscountState) -> str:
    """Say what lowers the invoices to come: `Launch offer (LAUNCH20): 20 % off until 3 Feb 2027`."""
    code = f" ({discount.code})" if discount.code else ""
    if discount.percent_off is not None:
        off = f"{discount.percent_off.normalize():f} %"
    else:
        off = exact(Money(discount.amount_off or 0, discount.currency or "usd"))
    until = f" until {discount.ends_at:%-d %b %Y}" if discount.ends_at else ""
    return f"{discount.name}{code}: {off} off{until}"


def _cost(plan: Plan, status: Status) -> str:
    bought = status.subscription.price_id if status.subscription else None
    price = next((each for each in plan.prices if each.id == bought), None)
    beside = " and add-ons" if status.subscription and status.subscription.units() else ""
    return f"{amount(price.money)} a {price.interval.value}{beside}" if price else ""


def status_banners(status: Status, catalogue: Catalogue, owed: Banner | None = None) -> list[Banner]:
    """Return what a customer must know of the subscription on every page; `owed` is what an open case says."""
    found = [each for each in (_taken_back(status), owed) if each]
    other = None if found else _trouble(status, catalogue) or _to_come(status, catalogue)
    return [*found, other] if other else found


def _taken_back(status: Status) -> Banner | None:
    withheld = (status.subscription.withheld if status.subscription else None) or ""
    if "dispute" not in withheld.split(","):
        return None
    text = "Your bank has taken a payment for it back. Write to us to use it again."
    return Banner("bad", "The plan cannot be used", text)


def _trouble(status: Status, catalogue: Catalogue) -> Banner | None:
    """Return what keeps the plan from being used, or soon will."""
    if status.status in {"past_due", "unpaid"}:
        text = "Update the payment method before the plan is stopped."
        return Banner("bad", "The last payment failed", text, "/billing", "Plan & billing")
    if status.status == "incomplete":
        text = "The plan starts when the payment is confirmed."
        return Banner("warn", "A payment is not finished", text, "/billing", "Plan & billing")
    if status.subscription is not None and rests(status.subscription.pause):
        return _paused(status.subscription, plan_bought(status, catalogue).name, catalogue.default.name)
    return None


def _paused(subscription: Subscription, plan: str, fallback: str) -> Banner:
    until = subscription.pause.until if subscription.pause else None
    title = f"{plan} is paused until {until:%-d %b %Y}" if until else f"{plan} is paused"
    return Banner("info", title, f"Meanwhile the account is on {fallback}.", "/billing", "Plan & billing")


def _to_come(status: Status, catalogue: Catalogue) -> Banner | None:
    """Return what becomes of the plan when the period ends."""
    end = status.current_period_end
    pending = status.subscription.pending if status.subscription else None
    if status.subscription is not None and status.cancel_at_period_end and end is not None:
        text = f"After that the account is on {catalogue.default.name}. Keys and history stay."
        return Banner("info", f"{catalogue.plans[status.plan].name} ends on {end:%-d %b %Y}", text)
    if status.subscription is None or pending is None:
        return None
    plan = catalogue.plans.get(pending.plan or "")
    of_addons = is_of_addons(status.subscription)
    what = "Add-ons change" if of_addons else f"The plan changes to {plan.name if plan else 'another'}"
    return Banner("info", f"{what} on {pending.at:%-d %b %Y}", "Until then everything stays as it is.")


def is_of_addons(subscription: Subscription) -> bool:
    """Whether what is to come changes add-ons alone, not the plan, its interval or its seats."""
    pending = subscription.pending
    same = (subscription.price_id, subscription.quantity)
    return pending is not None and (pending.price_id, pending.quantity) == same


def plan_fact(status: Status, catalogue: Catalogue) -> Fact:
    """Return the plan as a figure of the overview."""
    view = subscription_view(status, catalogue)
    until = f" {view.until:%-d %b %Y}" if view.until and view.paid else ""
    return Fact("Plan", view.plan, f"{view.note}{until}" if view.paid else "No charge", view.state, view.tone)


class Way(StrEnum):
    """What the button of a plan does."""

    NONE = ""
    BUY = "buy"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A plan on the billing page: its card, whether it is the current one or the suggested one, and its button.

    `trial` is what this customer gets for nothing, empty: nothing.
    """

    card: PlanCard
    current: bool
    suggested: bool
    way: Way
    action: str
    trial: str = ""


def offers(
    shown: Iterable[PlanCard], status: Status, bought: Interval | None, wanted: str, *, may_try: bool = False
) -> list[PlanOffer]:
    """Return the plans with what can be done about each.

    Args:
        shown: the plans' cards in one interval, that of the page.
        status: what the customer has.
        bought: the interval they pay in; None when nothing was bought.
        wanted: the plan somebody came for, empty for none.
        may_try: whether a trial would be given; everybody gets one only.
    """
    found = [_offer(card, status, bought, wanted) for card in shown]
    return [replace(each, trial=each.card.trial) if may_try and each.way is Way.BUY else each for each in found]


def _offer(card: PlanCard, status: Status, bought: Interval | None, wanted: str) -> PlanOffer:
    subscribed = status.subscription is not None
    held = (status.subscription.plan if status.subscription else None) or status.plan
    current = card.key == held and (not subscribed or bought is None or card.interval is bought)
    way, action = Way.NONE, ""
    if card.for_sale and not current:
        if not subscribed:
            way, action = Way.BUY, f"Upgrade to {card.name}"
        elif can_change(status):
            way, action = Way.CHANGE, f"Change to {card.name}"
    elif not card.for_sale and not card.is_default:
        action = "Talk to us"
    suggested = way is Way.BUY and (card.key == wanted if wanted else card.recommended)
    return PlanOffer(card, current, suggested, way, action)


def can_cancel(status: Status) -> bool:
    """Whether the subscription can be cancelled now: it runs or rests, and is not about to end."""
    running = status.status in {"active", "trialing"}
    return status.subscription is not None and running and not status.cancel_at_period_end


def can_change(status: Status) -> bool:
    """Whether the subscription can become another now: it runs, is paid, and is not about to end."""
    subscription = status.subscription
    return subscription is not None and can_cancel(status) and subscription.pause is None and not subscription.unpaid


@dataclass(frozen=True, slots=True)
class ChangeView:
    """What a change of plan costs, before it is made. `credit` is empty when none is left over.

    `discount` is what is taken off, empty: nothing; `coming` is the next invoice where that is all that changes.
    """

    lines: tuple[tuple[str, str], ...]
    due_now: str
    credit: str
    later: bool
    effective_at: datetime
    discount: str = ""
    coming: str = ""


def change_view(found: PreviewedChange) -> ChangeView:
    """Return the provider's preview in words."""
    preview = found.cost
    currency = preview.due_now.currency
    left = preview.balance_after
    return ChangeView(
        lines=tuple((line.description, exact(Money(line.amount, currency))) for line in preview.lines),
        due_now=exact(preview.due_now),
        credit=exact(-left) if left.amount < 0 else "",
        later=found.at is ChangeAt.PERIOD_END,
        effective_at=found.effective_at,
        discount=exact(Money(-preview.discount_total, currency)) if preview.discount_total else "",
        coming=exact(found.coming.due_now) if found.coming else "",
    )


def invoice_rows(invoices: Iterable[Invoice]) -> list[InvoiceRow]:
    """Return the invoices as they are listed; drafts are not shown, they may still change."""
    return [
        InvoiceRow(
            number=invoice.number or "\N{EN DASH}",
            at=invoice.issued_at,
            state=INVOICE_STATES.get(invoice.status, (invoice.status.capitalize(), "neutral"))[0],
            tone=INVOICE_STATES.get(invoice.status, ("", "neutral"))[1],
            amount=exact(invoice.total),
            href=f"/billing/invoices/{invoice.id}",
        )
        for invoice in invoices
        if invoice.status != "draft"
    ]


def pays_in(invoices: Sequence[Invoice]) -> str | None:
    """Return the currency of somebody's invoices, which the first one fixed for ever; None: there are none yet."""
    return invoices[0].total.currency if invoices else None


QUICK_TRIES = 20
MAX_TRIES = 60
QUICK_MS = 700
SLOW_MS = 3_000


def checkout_outcome(status: Status, catalogue: Catalogue, tries: int) -> Outcome:
    """Return what somebody sees who comes back from paying, on the `tries`-th look."""
    subscription = status.subscription
    if subscription is not None and status.status in {"active", "trialing"} and subscription.plan == status.plan:
        plan = catalogue.plans[status.plan]
        text = "The payment went through and your new limits are in force."
        return Outcome("done", f"You are on {plan.name}", text, _first_gain(plan))
    if tries < MAX_TRIES:
        delay = QUICK_MS if tries < QUICK_TRIES else SLOW_MS
        return Outcome("waiting", "Confirming your payment", "This takes a few seconds. Stay on this page.", (), delay)
    text = "The confirmation takes longer than usual. You can leave this page: the plan changes as soon as it arrives."
    return Outcome("late", "Still waiting for the confirmation", text)


def _first_gain(plan: Plan) -> tuple[str, ...]:
    monthly = cards([plan], Interval.MONTH)[0].monthly
    return (f"{monthly[0]} a month",) if monthly else ()


def interval_of(status: Status, catalogue: Catalogue) -> Interval | None:
    """Return the interval the customer pays in; None when nothing was bought, or at a price not sold any more."""
    bought = status.subscription.price_id if status.subscription else None
    for price in plan_bought(status, catalogue).prices:
        if price.id == bought:
            return price.interval
    return None
