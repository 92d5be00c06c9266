"""Tax as a customer meets it: who they are, their tax ids, and how tax comes onto what they buy."""

from dataclasses import dataclass
from enum import StrEnum

from .invoices import Address


class TaxExempt(StrEnum):
    """Whether a customer is taxed. `reverse`: the customer accounts for the tax themselves."""

    NONE = "none"
    EXEMPT = "exempt"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class BillingDetails:
    """Whom invoices of a customer are made out to. None: the provider knows none."""

    name: str | None
    email: str | None
    address: Address | None
    tax_exempt: TaxExempt = TaxExempt.NONE


@dataclass(frozen=True, slots=True)
class DetailsChange:
    """What is to change of billing details; None leaves a thing as it is, an address replaces the one before whole."""

    name: str | None = None
    email: str | None = None
    address: Address | None = None
    tax_exempt: TaxExempt | None = None


@dataclass(frozen=True, slots=True)
class TaxId:
    """A tax id the provider keeps for a customer; `kind` is its word, such as `eu_vat`.

    `status` is `pending`, `verified`, `unverified` or `unavailable` (nobody verifies ids of this kind);
    `verified_name` is what the register of the country says, None unless it was verified.
    """

    id: str
    kind: str
    value: str
    country: str | None
    status: str
    verified_name: str | None


@dataclass(frozen=True, slots=True)
class TaxWish:
    """How tax comes onto what is sold: worked out by the provider, by these of its rates, or not at all."""

    automatic: bool = False
    rates: tuple[str, ...] = ()
    collect_ids: bool = False
