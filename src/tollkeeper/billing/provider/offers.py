"""Keeping the provider's coupons and promotion codes equal to our catalogue."""

from collections.abc import Mapping
from datetime import datetime

from tollkeeper.catalog import Coupon, PromotionCode, list_codes, list_coupons
from tollkeeper.infra import Tx

from . import store
from .model import CodeOffer, CouponOffer, PaymentProvider


async def push_offers(tx: Tx, provider: PaymentProvider, products: Mapping[str, str]) -> None:
    """Create every coupon and code that can be redeemed, and let nobody redeem those that cannot.

    `products` are the provider's ids of our plans. What went goes first: a text may be active only once. Callers hold
    the catalogue's lock. A second time changes nothing there.
    """
    known_codes = await store.pushed_codes(tx, provider.account)
    known_coupons = await store.pushed_coupons(tx, provider.account)
    codes = await list_codes(tx)
    for code in codes:
        if code.archived_at is not None and code.id in known_codes:
            await provider.drop_code(known_codes[code.id])
            await store.save_code(tx, provider.account, code.id, known_codes[code.id], active=False)
    for coupon in await list_coupons(tx):
        if coupon.archived_at is None and not _late(tx.now, coupon.terms.redeem_by):
            await _push_coupon(tx, provider, coupon, products)
        elif coupon.archived_at is not None and coupon.id in known_coupons:
            await provider.drop_coupon(coupon.id)
            await store.save_coupon(tx, provider.account, coupon.id, active=False)
    for code in codes:
        late = _late(tx.now, code.terms.expires_at) or _late(tx.now, code.coupon.terms.redeem_by)
        if code.archived_at is None and not late and code.id not in known_codes:
            await _push_code(tx, provider, code)


async def push_code(tx: Tx, provider: PaymentProvider, code: PromotionCode, products: Mapping[str, str]) -> str:
    """Push one code and its coupon; returns the provider's id. Callers hold the catalogue's lock."""
    await _push_coupon(tx, provider, code.coupon, products)
    return await _push_code(tx, provider, code)


async def _push_coupon(tx: Tx, provider: PaymentProvider, coupon: Coupon, products: Mapping[str, str]) -> None:
    named = tuple(products[plan] for plan in coupon.terms.plans if plan in products)
    await provider.save_coupon(CouponOffer(coupon.id, coupon.name, coupon.terms, named))
    await store.save_coupon(tx, provider.account, coupon.id, active=True)


async def _push_code(tx: Tx, provider: PaymentProvider, code: PromotionCode) -> str:
    ident = await provider.save_code(CodeOffer(code.id, code.code, code.coupon.id, code.terms))
    await store.save_code(tx, provider.account, code.id, ident, active=True)
    return ident


def _late(now: datetime, moment: datetime | None) -> bool:
    return moment is not None and moment <= now
