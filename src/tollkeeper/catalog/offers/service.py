"""Use cases of offers."""

from collections.abc import Mapping

from tollkeeper.infra import Tx
from tollkeeper.kit import Money

from . import rules, store
from .model import PromotionCode, PromotionCodeError
from .spec import CodeSpec, CouponSpec


async def save_offers(tx: Tx, coupons: Mapping[str, CouponSpec], codes: Mapping[str, CodeSpec]) -> None:
    """Make coupons and codes equal to the file's. What has other terms is archived and made anew."""
    for key, old in (await store.load_coupons(tx)).items():
        if key not in coupons or coupons[key].terms() != old.terms:
            await store.archive_coupon(tx, old.id)
    standing = await store.load_coupons(tx)
    for key, spec in coupons.items():
        if key not in standing:
            await store.add_coupon(tx, key, spec.name, spec.terms())
    standing = await store.load_coupons(tx)
    for position, (key, spec) in enumerate(coupons.items()):
        await store.name_coupon(tx, standing[key].id, spec.name, position)
    gone, fresh = rules.renewed_codes(await store.load_codes(tx), standing, codes)
    for code in gone:
        await store.archive_code(tx, code.id)
    for text in fresh:
        await store.add_code(tx, text, standing[codes[text].coupon].id, codes[text].terms())
    for position, text in enumerate(codes):
        await store.place_code(tx, text, position)


async def find_code(tx: Tx, text: str, *, plan: str, price: Money) -> PromotionCode:
    """Return the code a customer typed, in either case, that may be used for a plan at this price.

    Raises:
        PromotionCodeError: there is none, it has expired, or it is not for this.
    """
    code = (await store.load_codes(tx)).get(text.strip().lower())
    if code is None:
        raise PromotionCodeError("There is no such code.")
    if message := rules.why_not(code, plan, price, tx.now):
        raise PromotionCodeError(message)
    return code


async def takes_codes(tx: Tx) -> bool:
    """Whether there is any code that somebody could use now."""
    for code in (await store.load_codes(tx)).values():
        ends = (code.terms.expires_at, code.coupon.terms.redeem_by)
        if all(moment is None or moment > tx.now for moment in ends):
            return True
    return False
