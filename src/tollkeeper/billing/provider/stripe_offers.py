"""Coupons, promotion codes and trials, in Stripe's words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import stripe

from tollkeeper.catalog import PromotionCodeError

from .model import (
    CheckoutTerms,
    CodeOffer,
    CouponOffer,
    Preview,
    ProviderStateError,
    SubscriptionState,
)
from .stripe_errors import errors, or_none
from .stripe_read import EXTENDED
from .stripe_read_discounts import AMOUNT_OFF, coupon_ident
from .stripe_read_previews import preview

if TYPE_CHECKING:
    from stripe._v1_services import V1Services  # the SDK exports no public name for it

CODE = "tollkeeper_code"
"""Metadata of a promotion code: our id of it."""
_CODE_PARAMS = ("discounts", "promotion_code", "coupon")


class StripeOffers:
    """The part of the adapter that makes plans cheaper or free for a while."""

    _api: "V1Services"

    async def save_coupon(self, offer: CouponOffer) -> None:
        """See OffersAtProvider. Coupons take an id of our choice, which makes creating them idempotent by nature."""
        ident = coupon_ident(offer.id)
        with errors():
            found = await or_none(self._api.coupons.retrieve_async(ident))
            if found is None:
                await self._api.coupons.create_async(_coupon(ident, offer))
            elif found.get("name") != offer.name:
                await self._api.coupons.update_async(ident, {"name": offer.name})

    async def drop_coupon(self, coupon_id: UUID) -> None:
        """See OffersAtProvider."""
        with errors():
            await or_none(self._api.coupons.delete_async(coupon_ident(coupon_id)))

    async def save_code(self, offer: CodeOffer) -> str:
        """See OffersAtProvider. Of one text, regardless of case, only one code is active at a time."""
        with errors():
            listed = await self._api.promotion_codes.list_async({"code": offer.code, "limit": 100})
            standing = [each.to_dict() async for each in listed.auto_paging_iter()]
            ours = [each for each in standing if (each.get("metadata") or {}).get(CODE) == str(offer.id)]
            if ours:
                return str(ours[0]["id"])
            for each in standing:
                if each["active"] and not (each.get("metadata") or {}).get(CODE):
                    raise ProviderStateError(f"Somebody else made an active promotion code {offer.code} there.")
                if each["active"]:
                    await self._api.promotion_codes.update_async(each["id"], {"active": False})
            made = await self._api.promotion_codes.create_async(_code(offer), {"idempotency_key": f"code-{offer.id}"})
        return made.id

    async def drop_code(self, provider_code: str) -> None:
        """See OffersAtProvider."""
        with errors():
            await or_none(self._api.promotion_codes.update_async(provider_code, {"active": False}))

    async def code_holds(self, provider_code: str) -> bool:
        """See OffersAtProvider."""
        with errors():
            found = await or_none(self._api.promotion_codes.retrieve_async(provider_code))
        return found is not None and bool(found["active"])

    async def set_discount(self, subscription_id: str, code: str | None, *, idempotency_key: str) -> None:
        """See OffersAtProvider."""
        wanted: Any = {"discounts": [{"promotion_code": code}] if code else ""}
        with errors(), code_errors():
            await self._api.subscriptions.update_async(subscription_id, wanted, {"idempotency_key": idempotency_key})

    async def preview_next(self, subscription: SubscriptionState, code: str | None, *, at: datetime) -> Preview:
        """See OffersAtProvider."""
        discounts: Any = [{"promotion_code": code}] if code else ""
        wanted: Any = {"customer": subscription.customer_id, "subscription": subscription.id, "discounts": discounts}
        with errors(), code_errors():
            made = await self._api.invoices.create_preview_async(wanted)
        return preview(made.to_dict(), at)

    async def end_trial(self, subscription_id: str, *, idempotency_key: str) -> None:
        """See OffersAtProvider."""
        wanted: Any = {"trial_end": "now", "payment_behavior": "error_if_incomplete", "proration_behavior": "none"}
        with errors():
            await self._api.subscriptions.update_async(subscription_id, wanted, {"idempotency_key": idempotency_key})

    async def extend_trial(self, subscription_id: str, until: datetime, *, idempotency_key: str) -> None:
        """See OffersAtProvider."""
        await self._end_trial_at(subscription_id, until, idempotency_key)

    async def extend_period(self, subscription_id: str, until: datetime, *, idempotency_key: str) -> None:
        """See OffersAtProvider. It knows a trial only, so the same call notes what it is."""
        noted = {"metadata": {EXTENDED: str(int(until.timestamp()))}}
        await self._end_trial_at(subscription_id, until, idempotency_key, **noted)

    async def _end_trial_at(self, subscription_id: str, until: datetime, idempotency_key: str, **more: Any) -> None:
        wanted: Any = {"trial_end": int(until.timestamp()), "proration_behavior": "none", **more}
        with errors():
            await self._api.subscriptions.update_async(subscription_id, wanted, {"idempotency_key": idempotency_key})

    async def wake_subscription(self, subscription_id: str, *, idempotency_key: str) -> None:
        """See OffersAtProvider."""
        wanted: Any = {
            "billing_cycle_anchor": {"type": "now"},
            "payment_behavior": "resume_on_payment_success",
            "proration_behavior": "none",
        }
        with errors():
            await self._api.subscriptions.resume_async(subscription_id, wanted, {"idempotency_key": idempotency_key})


@contextmanager
def code_errors() -> Iterator[None]:
    """Turn what Stripe says of a promotion code it does not take into words for the customer."""
    try:
        yield
    except stripe.InvalidRequestError as error:
        if not (error.param or "").startswith(_CODE_PARAMS):
            raise
        first = "prior transactions" in str(error.user_message)
        message = "This code is for a first purchase only." if first else "This code cannot be used any more."
        raise PromotionCodeError(message) from error


def checkout_terms(terms: CheckoutTerms) -> dict[str, Any]:
    """Return what a purchase gets beside its price as parameters of a checkout; `subscription_data` is to be merged."""
    asked: dict[str, Any] = {}
    if terms.code:
        asked["discounts"] = [{"promotion_code": terms.code}]
    elif terms.asks_for_code:
        asked["allow_promotion_codes"] = True
    trial = terms.trial
    if trial is not None:
        asked["payment_method_collection"] = "always" if trial.needs_card else "if_required"
        then = "pause" if trial.pauses else "cancel"
        asked["subscription_data"] = {
            "trial_period_days": trial.days,
            "trial_settings": {"end_behavior": {"missing_payment_method": then}},
        }
    return asked


def _coupon(ident: str, offer: CouponOffer) -> Any:
    terms = offer.terms
    wanted: dict[str, Any] = {"id": ident, "name": offer.name, "duration": terms.duration.value}
    if terms.percent_off is not None:
        wanted["percent_off"] = float(terms.percent_off)  # two decimals at most, which a float writes out as they are
    else:
        (currency, amount), *others = sorted(terms.amounts_off.items())
        wanted.update(amount_off=amount, currency=currency)
        if others:
            wanted["currency_options"] = {name: {"amount_off": minor} for name, minor in others}
            # Stripe shows other currencies only when asked deeper than lists can be.
            wanted["metadata"] = {f"{AMOUNT_OFF}{name}": str(minor) for name, minor in others}
    if terms.months is not None:
        wanted["duration_in_months"] = terms.months
    if offer.products:
        wanted["applies_to"] = {"products": list(offer.products)}
    return wanted | _bounds(terms.max_redemptions, {"redeem_by": terms.redeem_by})


def _code(offer: CodeOffer) -> Any:
    terms = offer.terms
    restrictions: dict[str, Any] = {"first_time_transaction": terms.first_time_only}
    if terms.minimum:
        (currency, amount), *others = sorted(terms.minimum.items())
        restrictions.update(minimum_amount=amount, minimum_amount_currency=currency)
        if others:
            restrictions["currency_options"] = {name: {"minimum_amount": minor} for name, minor in others}
    wanted = {
        "promotion": {"type": "coupon", "coupon": coupon_ident(offer.coupon_id)},
        "code": offer.code,
        "metadata": {CODE: str(offer.id)},
        "restrictions": restrictions,
    }
    return wanted | _bounds(terms.max_redemptions, {"expires_at": terms.expires_at})


def _bounds(most: int | None, moments: Mapping[str, datetime | None]) -> dict[str, Any]:
    asked: dict[str, Any] = {"max_redemptions": most} if most is not None else {}
    return asked | {name: int(moment.timestamp()) for name, moment in moments.items() if moment is not None}
