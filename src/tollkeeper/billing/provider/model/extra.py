"""Amounts of our own reckoning that the provider puts on invoices, in our own words."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.kit import Money


@dataclass(frozen=True, slots=True)
class ExtraCharge:
    """An amount for one line of an invoice, for `[start, end)`; below zero it is a credit.

    `charge_id` is ours: it is written on the item, so that it can be found again, and makes repeating harmless.
    """

    charge_id: UUID
    customer_id: str
    money: Money
    description: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PlacedCharge:
    """Where an amount stands at the provider, by its ids; `invoice` None: it waits for the customer's next one."""

    item: str
    invoice: str | None
