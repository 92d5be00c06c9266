"""Money that came and goes back, in Stripe's words."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import stripe

from . import stripe_read_payments as read
from .model import CreditTo, CreditWish, IssuedNote, PaymentState, ProviderStateError, RefundReason, RefundWish
from .stripe_errors import errors, or_none
from .stripe_read_invoices import subscription_of
from .stripe_read_parts import Json, ident, mapping

if TYPE_CHECKING:
    from stripe._v1_services import V1Services  # the SDK exports no public name for it

PAGE = 100
INTENT = "pi_"
_PART_OF: Mapping[CreditTo, str] = {
    CreditTo.BALANCE: "credit_amount",
    CreditTo.REFUND: "refund_amount",
    CreditTo.OUTSIDE: "out_of_band_amount",
}


class StripePayments:
    """The part of the adapter that knows what was paid and gives it back."""

    _api: "V1Services"

    async def payer(self, payment_id: str) -> str | None:
        """See PaymentProvider."""
        with errors():
            asking = self._api.payment_intents if payment_id.startswith(INTENT) else self._api.charges
            found = await or_none(asking.retrieve_async(payment_id))
        return ident((found or {}).get("customer"))

    async def fetch_payment(self, payment_id: str) -> PaymentState | None:
        """See PaymentProvider. An intent without any charge is a payment that nobody tried yet: none."""
        if not payment_id.startswith(INTENT):
            return await self._of_charge(payment_id)
        by_intent: Any = {"payment_intent": payment_id, "limit": PAGE}
        with_refunds: Any = {**by_intent, "expand": ["data.refunds"]}
        with errors():
            charges = await _all(self._api.charges.list_async(with_refunds))
            if not charges:
                return None
            disputes = await _all(self._api.disputes.list_async(by_intent))
            paying = {"type": "payment_intent", "payment_intent": payment_id}
            with_invoice: Any = {"payment": paying, "expand": ["data.invoice"]}
            paid = await _all(self._api.invoice_payments.list_async(with_invoice))
            invoice = mapping(paid[0].get("invoice")) if paid else {}
            return await self._state(charges, disputes, invoice)

    async def _of_charge(self, charge_id: str) -> PaymentState | None:
        with errors():
            found = await or_none(self._api.charges.retrieve_async(charge_id, {"expand": ["refunds"]}))
            if found is None:
                return None
            intent = ident(found.get("payment_intent"))
            if intent is not None:
                return await self.fetch_payment(intent)
            disputes = await _all(self._api.disputes.list_async({"charge": charge_id, "limit": PAGE}))
            return await self._state([found], disputes, {})

    async def _state(self, charges: Sequence[Json], disputes: Sequence[Json], invoice: Json) -> PaymentState:
        refunds: list[Json] = []
        for each in charges:
            listed = mapping(each.get("refunds"))
            if listed.get("has_more"):
                refunds += await _all(self._api.refunds.list_async({"charge": each["id"], "limit": PAGE}))
            else:
                refunds += listed.get("data") or []
        return PaymentState(
            customer_id=next((ident(each["customer"]) for each in charges if each.get("customer")), None),
            subscription_id=subscription_of(invoice) if invoice else None,
            charges=tuple(read.charge(each, ident(invoice)) for each in charges),
            refunds=tuple(read.refund(each) for each in refunds),
            disputes=tuple(read.dispute(each) for each in disputes),
        )

    async def payments_of(self, invoice_id: str) -> Sequence[str]:
        """See PaymentProvider."""
        with errors():
            listed = await _all(self._api.invoice_payments.list_async({"invoice": invoice_id, "limit": PAGE}))
        paid = [mapping(each.get("payment")) for each in listed]
        found = [ident(each.get("payment_intent")) or ident(each.get("charge")) for each in paid]
        return [each for each in found if each is not None]

    async def refund(self, wish: RefundWish) -> None:
        """See PaymentProvider."""
        wanted: Any = {
            "charge": wish.charge_id,
            "amount": wish.amount,
            "reason": wish.reason.value,
            "metadata": {"organization_id": str(wish.organization_id), **_labels(wish.reason, wish.note, wish.request)},
        }
        with _refusals():
            await self._api.refunds.create_async(wanted, {"idempotency_key": f"refund-{wish.request}-{wish.charge_id}"})

    async def find_credit_note(self, invoice_id: str, request: str) -> IssuedNote | None:
        """See PaymentProvider."""
        with errors():
            notes = await _all(self._api.credit_notes.list_async({"invoice": invoice_id, "limit": PAGE}))
        made = [each for each in notes if mapping(each.get("metadata")).get(read.REQUEST) == request]
        return read.issued_note(made[0]) if made else None

    async def issue_credit_note(self, wish: CreditWish) -> IssuedNote:
        """See PaymentProvider."""
        wanted: Any = {"invoice": wish.invoice_id, "amount": wish.amount, "metadata": {read.REQUEST: wish.request}}
        optional = {"reason": wish.reason.value if wish.reason else None, "memo": wish.memo}
        wanted |= {name: value for name, value in optional.items() if value is not None}
        if wish.to is not None:
            wanted[_PART_OF[wish.to]] = wish.amount
        with _refusals():
            made = await self._api.credit_notes.create_async(wanted, {"idempotency_key": f"credit-{wish.request}"})
        return read.issued_note(made.to_dict())

    async def label_refund(self, refund_id: str, *, reason: RefundReason, note: str | None, request: str) -> None:
        """See PaymentProvider."""
        with errors():
            await self._api.refunds.update_async(refund_id, {"metadata": _labels(reason, note, request)})

    async def give_evidence(self, dispute_id: str, evidence: Mapping[str, str], *, submit: bool) -> None:
        """See PaymentProvider."""
        wanted: Any = {"submit": submit} | ({"evidence": dict(evidence)} if evidence else {})
        with _refusals():
            await self._api.disputes.update_async(dispute_id, wanted)

    async def accept_dispute(self, dispute_id: str) -> None:
        """See PaymentProvider."""
        with _refusals():
            await self._api.disputes.close_async(dispute_id)


def _labels(reason: RefundReason, note: str | None, request: str) -> dict[str, str]:
    words = {read.REASON: reason.value, read.REQUEST: request}
    return {**words, read.NOTE: note} if note else words


async def _all(asking: Any) -> list[dict[str, Any]]:
    """Return everything that a listing has; nothing when what it is filtered by does not exist."""
    try:
        listed = await asking
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            return []
        raise
    return [each.to_dict() async for each in listed.auto_paging_iter()]


@contextmanager
def _refusals() -> Iterator[None]:
    """Take a refusal for what it is where we asked for nothing impossible: somebody else was there before us."""
    with errors():
        try:
            yield
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                raise
            raise ProviderStateError(log=f"{error.code}: {error.user_message} (request {error.request_id})") from error
