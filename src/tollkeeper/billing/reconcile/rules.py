"""What of the provider's answer our mirror says otherwise. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from tollkeeper.billing.provider import (
    ChargeState,
    CreditNoteState,
    CustomerState,
    DisputeState,
    InvoiceState,
    ItemState,
    RefundState,
    SubscriptionState,
)
from tollkeeper.catalog import AddonPrice, Price

State = CustomerState | SubscriptionState | InvoiceState | CreditNoteState | ChargeState | RefundState | DisputeState

# Most columns are called what the state calls them; these are not. What is no column is nothing we mirror.
NAMES: Mapping[type, Mapping[str, str]] = MappingProxyType(
    {
        CustomerState: {},
        SubscriptionState: {
            "period_start": "current_period_start",
            "period_end": "current_period_end",
            "created_at": "started_at",
        },
        InvoiceState: {"subscription_id": "subscription", "created_at": "issued_at"},
        CreditNoteState: {},
        ChargeState: {"intent_id": "intent"},
        RefundState: {},
        DisputeState: {},
    }
)
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_OURS = frozenset({"id", "customer_id", "organization_id", "invoice_id"})


def differing(
    row: Mapping[str, Any], state: State, read: Mapping[str, Any] = _NOTHING
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the columns that differ, as ours and as theirs; None when nothing does.

    `read` is what columns have to hold that say in our words what the state says in the provider's.
    """
    names = NAMES[type(state)]
    theirs = {names.get(each.name, each.name): getattr(state, each.name) for each in fields(state)} | dict(read)
    wanted = {name: plain(value) for name, value in theirs.items() if name in row and name not in _OURS}
    ours = {name: plain(row[name]) for name in wanted}
    apart = [name for name in wanted if wanted[name] != ours[name]]
    return ({name: ours[name] for name in apart}, {name: wanted[name] for name in apart}) if apart else None


def in_our_words(
    state: SubscriptionState, prices: Mapping[str, Price], codes: Mapping[str, UUID], addons: Mapping[str, int]
) -> dict[str, Any]:
    """Return what columns of a subscription have to hold beside those called alike.

    `prices` and `codes` are ours by the provider's ids; `addons` is what it has beside the plan, as `units_at` says it.
    """
    price = prices.get(state.price.provider_id) if state.price else None
    pending = prices.get(state.pending.price.provider_id) if state.pending else None
    return {
        "price_id": price.id if price else None,
        "addons": addons,
        "pending_price_id": pending.id if pending else None,
        "pending_quantity": state.pending.quantity if state.pending else None,
        "pending_at": state.pending.at if state.pending else None,
        "pending_code_id": codes.get(state.pending.code) if state.pending and state.pending.code else None,
        "pause_behavior": state.pause.behavior if state.pause else None,
        "paused_until": state.pause.until if state.pause else None,
    }


def units_at(items: Iterable[tuple[ItemState, AddonPrice]]) -> dict[str, int]:
    """Return how many units there are of each add-on at each price, as the mirror tells them."""
    found: Counter[str] = Counter()
    for item, price in items:
        found[f"{price.addon} at {price.id}"] += item.quantity
    return {name: count for name, count in sorted(found.items()) if count}


def plain(value: Any) -> Any:
    """Return a value as JSON would hold it, so that both sides can be compared and printed."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value
