"""Explaining an invoice: every line calculated anew from prices, seconds and recorded events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tollkeeper.billing import overage
from tollkeeper.billing.flows import explaining
from tollkeeper.billing.flows.explaining import Charged, ExplainedLine, Explanation, Kind, KnownPrice, Replay
from tollkeeper.billing.invoices import Invoice, get_invoice, list_invoices, named_terms
from tollkeeper.billing.provider import InvoiceLine, ItemState, PriceAtProvider, Term, addon_prices_of, plan_price_of
from tollkeeper.catalog import find_overage_price, load_catalogue
from tollkeeper.infra import Tx
from tollkeeper.metering import replay
from tollkeeper.rating import Period

NEIGHBOURS = 100
FOREIGN = "This price was made at the payment provider, not here, so that we cannot calculate it anew."
BY_HAND = "This line was added at the payment provider, so that we cannot calculate it anew."
BEGINNING_UNKNOWN = "When the period of this part began is not known here, so that we cannot calculate it anew."


async def explain_invoice(tx: Tx, organization_id: UUID, invoice_id: UUID) -> Explanation:
    """Return how each line of an invoice came about.

    Raises:
        InvoiceNotFoundError: there is none of this id, or it is somebody else's.
    """
    invoice = await get_invoice(tx, organization_id, invoice_id)
    items = [line.provider_item for line in invoice.lines if line.provider_item]
    charges = await overage.of_items(tx, organization_id, items)
    known = _Known(invoice.total.currency, charges, await _prices(tx, invoice), await _charged(tx, invoice))
    lines = [await _line(tx, line, known) for line in invoice.lines]
    sums, adds_up = explaining.sums(invoice)
    return Explanation(invoice, tuple(lines), sums, adds_up)


@dataclass(frozen=True, slots=True)
class _Known:
    """What we have that the lines of one invoice may have come from."""

    currency: str
    charges: Mapping[str, overage.Charge]
    prices: Mapping[str, KnownPrice]
    charged: Sequence[Charged]


async def _line(tx: Tx, line: InvoiceLine, known: _Known) -> ExplainedLine:
    charge, currency = known.charges.get(line.provider_item or ""), known.currency
    if charge is not None:
        replayed = await _replay(tx, charge)
        if replayed is None:
            return explaining.foreign_line(line, currency, Kind.USAGE, BY_HAND)
        return explaining.usage_line(line, currency, replayed)
    kind = Kind.PRORATION if line.proration else Kind.PLAN
    price = known.prices.get(line.provider_price or "")
    if price is None:
        foreign = line.provider_price is not None and (line.proration or line.provider_item is None)
        return explaining.foreign_line(line, currency, kind if foreign else Kind.OTHER, FOREIGN if foreign else BY_HAND)
    if not line.proration:
        return explaining.plan_line(line, currency, price)
    start, end = line.period_start, line.period_end
    periods = (each.period for each in known.charged)
    whole = next((each for each in periods if start is not None and start in each and end == each.end), None)
    if whole is None:
        return explaining.foreign_line(line, currency, kind, BEGINNING_UNKNOWN)
    return explaining.proration_line(line, currency, price, whole, known.charged)


async def _replay(tx: Tx, charge: overage.Charge) -> Replay | None:
    """Count the events of a charge and rate them anew; None when it was free, which has no line."""
    price = await find_overage_price(tx, charge.price_id) if charge.price_id else None
    if price is None:
        return None
    counter = (charge.organization_id, charge.meter_id, charge.period_start)
    events, used = await replay(tx, *counter, recorded_before=charge.id)
    earlier = await overage.before(tx, charge)
    used_before = (await replay(tx, *counter, recorded_before=earlier.id))[1] if earlier else 0
    found = overage.beyond(price, included=charge.included, charged_to=used_before, used=used)
    return Replay(charge, price, events, used, used_before, found)


async def _prices(tx: Tx, invoice: Invoice) -> dict[str, KnownPrice]:
    """Return which of our prices the lines name, by the provider's ids."""
    catalogue = await load_catalogue(tx)
    named = [PriceAtProvider(name, None) for name in {each.provider_price for each in invoice.lines} if name]
    found = {}
    for each in named:
        price = await plan_price_of(tx, each)
        if price is not None:
            name = catalogue.plans[price.plan].name
            found[each.provider_id] = KnownPrice(price.id, name, price.money, price.interval.value)
    for item, beside in await addon_prices_of(tx, [ItemState(None, each, 1) for each in named]):
        name = catalogue.addons[beside.addon].name
        found[item.price.provider_id] = KnownPrice(beside.id, name, beside.money, beside.interval.value)
    return found


async def _charged(tx: Tx, invoice: Invoice) -> list[Charged]:
    """Return the whole periods that this invoice and its neighbours charged, and how: parts belong to one of them."""
    if not any(line.proration for line in invoice.lines):
        return []
    near = [invoice, *(await list_invoices(tx, invoice.organization_id, limit=NEIGHBOURS)).data]
    lines = [line for each in near if each.subscription == invoice.subscription for line in each.lines]
    terms = await named_terms(tx, {off.discount for line in lines for off in line.discounts})
    return [
        Charged(Period(line.period_start, line.period_end), line, _percentages(line, terms))
        for line in lines
        if not line.proration and line.provider_item is None and line.period_start and line.period_end
    ]


def _percentages(line: InvoiceLine, terms: Mapping[str, Term]) -> tuple[Decimal, ...]:
    """Return the percentages that discounts took off a line."""
    known = (terms.get(each.discount) for each in line.discounts)
    return tuple(Decimal(each.percentage) for each in known if each is not None and each.percentage is not None)
