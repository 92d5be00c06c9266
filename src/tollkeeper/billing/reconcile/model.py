"""Comparing our mirror with the provider: values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """What is gone through, in this order: everything at the provider, then what only we believe in."""

    CUSTOMERS = "customers"
    SUBSCRIPTIONS = "subscriptions"
    INVOICES = "invoices"
    CREDIT_NOTES = "credit notes"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    OUR_CUSTOMERS = "our customers"
    OUR_SUBSCRIPTIONS = "our subscriptions"
    OUR_INVOICES = "our invoices"
    OUR_CREDIT_NOTES = "our credit notes"
    OUR_PAYMENTS = "our payments"
    OUR_REFUNDS = "our refunds"
    OUR_DISPUTES = "our disputes"

    @property
    def kind(self) -> str:
        """What is compared, one of it: `invoice`."""
        return self.value.removeprefix("our ").removesuffix("s")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come. `after` is the last id of the stage done with, empty before the first."""

    stage: Stage = Stage.CUSTOMERS
    after: str = ""
    compared: int = 0
    differing: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `ours` None: we do not have it; `theirs` None: the provider does not.

    Else both hold just the fields that differ, as JSON values. `customer_id` is whose it is; `part_of` the invoice of a
    credit note, the payment of a refund or dispute; both are the provider's ids, None where it has none.
    """

    kind: str
    provider_id: str
    ours: dict[str, Any] | None
    theirs: dict[str, Any] | None
    customer_id: str | None = None
    part_of: str | None = None

    def __str__(self) -> str:
        if self.theirs is None:
            what = "not at the provider"
        elif self.ours is None:
            what = "not in the mirror"
        else:
            what = ", ".join(f"{name}: {self.ours[name]!r} -> {self.theirs[name]!r}" for name in self.theirs)
        return f"{self.kind} {self.provider_id}  {what}"


@dataclass(slots=True)
class Imported:
    """What taking over an account did, counted; `unmatched` are prices that none of ours is equal to."""

    prices: int = 0
    organizations: int = 0
    customers: int = 0
    unmatched: list[str] = field(default_factory=list)
