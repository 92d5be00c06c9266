"""What the addresses of billing details and tax ids take and answer."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from tollkeeper.billing.provider import Address, BillingDetails, DetailsChange, TaxExempt, TaxId

from .schemas import Reference

PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PRINTABLE)]
PostalCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20, pattern=PRINTABLE)]


class AddressIn(BaseModel):
    """A postal address, in whole: what is left out is empty from then on. `country` is two ISO letters."""

    model_config = ConfigDict(extra="forbid")
    line1: Words | None = None
    line2: Words | None = None
    postal_code: PostalCode | None = None
    city: Words | None = None
    state: Words | None = None
    country: Annotated[str, StringConstraints(to_upper=True, pattern="^[A-Za-z]{2}$")]


class AddressOut(BaseModel):
    """A postal address."""

    line1: str | None
    line2: str | None
    postal_code: str | None
    city: str | None
    state: str | None
    country: str | None


class DetailsIn(BaseModel):
    """Whom coming invoices are made out to; what is left out stays. `tax_exempt` is for operators."""

    model_config = ConfigDict(extra="forbid")
    customer: Reference | None = None
    name: Words | None = None
    email: EmailStr | None = None
    address: AddressIn | None = None
    tax_exempt: TaxExempt | None = None

    def change(self) -> DetailsChange:
        """Return the change asked for."""
        address = Address(**self.address.model_dump()) if self.address else None
        return DetailsChange(self.name, self.email, address, self.tax_exempt)


class DetailsOut(BaseModel):
    """Whom coming invoices are made out to. `tax_exempt`: `none`, `exempt`, or `reverse` (reverse charge)."""

    name: str | None
    email: str | None
    address: AddressOut | None
    tax_exempt: TaxExempt

    @classmethod
    def of(cls, found: BillingDetails) -> Self:
        """Show billing details."""
        address = AddressOut.model_validate(found.address, from_attributes=True) if found.address else None
        return cls(name=found.name, email=found.email, address=address, tax_exempt=found.tax_exempt)


class TaxIdIn(BaseModel):
    """A tax id; `type` is the provider's word for its kind, such as `eu_vat`, `gb_vat` or `us_ein`."""

    model_config = ConfigDict(extra="forbid")
    customer: Reference | None = None
    type: Annotated[str, Field(pattern="^[a-z]{2}_[a-z_]{2,20}$")]
    value: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40)]


class TaxIdOut(BaseModel):
    """A tax id. `status`: `pending`, `verified`, `unverified`, or `unavailable` where nobody verifies such ids."""

    id: str
    type: str
    value: str
    country: str | None
    status: str
    verified_name: str | None

    @classmethod
    def of(cls, found: TaxId) -> Self:
        """Show a tax id."""
        return cls(
            id=found.id,
            type=found.kind,
            value=found.value,
            country=found.country,
            status=found.status,
            verified_name=found.verified_name,
        )


class TaxIdsOut(BaseModel):
    """Tax ids, newest first."""

    data: list[TaxIdOut]
