"""Balance transactions: what a charge or a refund does to the account's balance, with Stripe's fee on charges."""

from stripe_twin.core import ids
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import page_params, params, text, time_range
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit

_SETTLES_SECONDS = 2 * 86_400


def _compose(unit: Unit, entry: Json) -> Json:
    return {**entry, "status": "pending" if unit.now < entry["available_on"] else "available"}


register(Kind("balance_transaction", "balance transaction", compose=_compose))


def enter(unit: Unit, source: Json, amount: int) -> str:
    """Book a charge, or a refund as a negative amount; the entry's id."""
    fee = (amount * 29 + 500) // 1000 + 30 if source["object"] == "charge" else 0
    shown = {"application": None, "currency": source["currency"], "type": "stripe_fee"}
    entry = unit.save(
        {
            "id": ids.payment("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": unit.now + _SETTLES_SECONDS,
            "balance_type": "payments",
            "created": unit.now,
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [{**shown, "amount": fee, "description": "Stripe processing fees"}] if fee else [],
            "net": amount - fee,
            "reporting_category": source["object"],
            "source": source["id"],
            "type": source["object"],
        }
    )
    return str(entry["id"])


retrieval("balance_transaction", "/v1/balance_transactions/{ident}", params())


@operation(
    "GET",
    "/v1/balance_transactions",
    page_params(source=text(), type=text(), currency=text(), created=time_range(), unsupported="payout available_on"),
)
def index(unit: Unit, args: Json) -> Json:
    """List balance transactions."""
    filters = [equals(f"$.{name}", args[name]) for name in ("source", "type", "currency") if name in args]
    return page(unit, "balance_transaction", "/v1/balance_transactions", args, *filters)
