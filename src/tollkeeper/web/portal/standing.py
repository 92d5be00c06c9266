"""What stands above a customer's pages of how the plan stands: taken back, owed for, or about to change."""

from datetime import datetime, timedelta

from tollkeeper.billing import (
    DunningCase,
    DunningState,
    Status,
    Subscription,
    find_case,
    list_invoices,
    read_schedule,
)
from tollkeeper.catalog import Catalogue
from tollkeeper.infra import Tx
from tollkeeper.kit import Actor, Permission

from .billing_views import plan_bought, status_banners
from .pause_views import owed_banner, owes_after_pause
from .person import Viewer, may, may_buy
from .views import Banner, Button

METHODS = "/billing/payment-methods"


async def standing_banners(
    tx: Tx, actor: Actor, viewer: Viewer, standing: Status, catalogue: Catalogue
) -> list[Banner]:
    """Return what must be known of the plan on every page; buttons for those alone who may press them."""
    subscription = standing.subscription
    case = await find_case(tx, subscription.id) if subscription else None
    if subscription is not None and await _owes_after_pause(tx, subscription):
        plan = plan_bought(standing, catalogue).name
        manages = may(actor, Permission.BILLING_MANAGE)
        return [owed_banner(plan, manages=manages, goes_on=may_buy(actor, viewer))]
    if subscription is None or case is None:
        return status_banners(standing, catalogue)
    withheld = catalogue.plans.get(subscription.plan or "")
    until = withheld_from(case, tx.runtime.settings.dunning)
    manages = may(actor, Permission.BILLING_MANAGE)
    owed = case_banner(
        case, withheld.name if withheld else "The plan", until if until and until > tx.now else None, manages=manages
    )
    return status_banners(standing, catalogue, owed)


async def _owes_after_pause(tx: Tx, subscription: Subscription) -> bool:
    if not subscription.unpaid:
        return False
    listed = (await list_invoices(tx, subscription.organization_id, limit=1)).data
    return owes_after_pause(subscription, listed[0] if listed else None)


def withheld_from(case: DunningCase, schedule: str) -> datetime | None:
    """Return when the schedule withholds or ends the plan of a case; None: it never does."""
    days = [step.day for step in read_schedule(schedule) if step.action.value != "remind"]
    return case.since + timedelta(days=days[0]) if days else None


def case_banner(case: DunningCase, plan: str, until: datetime | None, *, manages: bool) -> Banner:
    """Say what is owed and what comes of it.

    Args:
        case: the open case.
        plan: the name of the plan that was bought.
        until: when the plan is withheld; None: not known, or at any moment.
        manages: whether the reader may pay, and so gets the buttons.
    """
    why = "Your bank wants you to confirm the payment." if case.requires_action else ""
    if case.state is DunningState.RESTRICTED:
        title = f"{plan} is withheld until it is paid"
        then = "We could not collect the payment. The plan is back as soon as it arrives."
    else:
        title = "We could not collect the payment"
        then = (
            f"{plan} can be used until {until:%-d %b %Y}, then it is withheld." if until else f"Pay it to keep {plan}."
        )
    who = "" if manages else "Somebody who manages billing can pay it."
    text = " ".join(filter(None, [why, then, who]))
    return Banner("bad", title, text, buttons=_buttons(case) if manages else ())


def _buttons(case: DunningCase) -> tuple[Button, ...]:
    update = Button(METHODS, "Update the card")
    if case.page_url is None:
        return (update,)
    return (Button(case.page_url, "Confirm the payment" if case.requires_action else "Pay now"), update)
