"""Every statement about coupons and promotion codes."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table, insert, select, update

from tollkeeper.catalog.keeping import read_once
from tollkeeper.infra import Tx
from tollkeeper.kit import new_id

from .model import CodeTerms, Coupon, CouponTerms, Duration, PromotionCode
from .tables import COUPONS, PROMOTION_CODES


async def load_coupons(tx: Tx) -> dict[str, Coupon]:
    """Return the coupons that can be redeemed by key, in the file's order."""
    current = select(COUPONS).where(COUPONS.c.archived_at.is_(None)).order_by(COUPONS.c.position)
    return {row["key"]: _coupon(row) for row in (await tx.connection.execute(current)).mappings()}


async def load_codes(tx: Tx) -> dict[str, PromotionCode]:
    """Return the codes that can be redeemed by their text in lower case, in the file's order."""
    return {code.code.lower(): code for code in await list_codes(tx) if code.archived_at is None}


async def list_coupons(tx: Tx) -> Sequence[Coupon]:
    """Return every coupon there ever was, oldest first."""
    return await read_once(tx, "coupons", _read_coupons)


async def _read_coupons(tx: Tx) -> tuple[Coupon, ...]:
    rows = await tx.connection.execute(select(COUPONS).order_by(COUPONS.c.created_at, COUPONS.c.id))
    return tuple(_coupon(row) for row in rows.mappings())


async def list_codes(tx: Tx) -> Sequence[PromotionCode]:
    """Return every code there ever was, in the file's order."""
    return await read_once(tx, "codes", _read_codes)


async def _read_codes(tx: Tx) -> tuple[PromotionCode, ...]:
    coupons = {coupon.id: coupon for coupon in await list_coupons(tx)}
    rows = await tx.connection.execute(
        select(PROMOTION_CODES).order_by(PROMOTION_CODES.c.position, PROMOTION_CODES.c.id)
    )
    return tuple(_code(row, coupons[row["coupon_id"]]) for row in rows.mappings())


async def add_coupon(tx: Tx, key: str, name: str, terms: CouponTerms) -> None:
    """Let a coupon be redeemed from now on."""
    values = {
        "percent_off": terms.percent_off,
        "amounts_off": dict(terms.amounts_off),
        "duration": terms.duration.value,
        "months": terms.months,
        "plans": list(terms.plans),
        "max_redemptions": terms.max_redemptions,
        "redeem_by": terms.redeem_by,
    }
    fresh = insert(COUPONS).values(id=new_id(), key=key, name=name, position=0, created_at=tx.now, **values)
    await tx.connection.execute(fresh)


async def name_coupon(tx: Tx, coupon_id: UUID, name: str, position: int) -> None:
    """Give a coupon its name and its place in the list."""
    await tx.connection.execute(update(COUPONS).values(name=name, position=position).where(COUPONS.c.id == coupon_id))


async def archive_coupon(tx: Tx, coupon_id: UUID) -> None:
    """Let nobody redeem a coupon any more."""
    await _archive(tx, COUPONS, coupon_id)


async def add_code(tx: Tx, code: str, coupon_id: UUID, terms: CodeTerms) -> None:
    """Let a code be redeemed from now on."""
    fresh = insert(PROMOTION_CODES).values(
        id=new_id(),
        code=code,
        coupon_id=coupon_id,
        max_redemptions=terms.max_redemptions,
        expires_at=terms.expires_at,
        first_time_only=terms.first_time_only,
        minimum=dict(terms.minimum),
        position=0,
        created_at=tx.now,
    )
    await tx.connection.execute(fresh)


async def place_code(tx: Tx, code: str, position: int) -> None:
    """Give a code that can be redeemed its place in the list."""
    table = PROMOTION_CODES.c
    mine = (table.code == code) & table.archived_at.is_(None)
    await tx.connection.execute(update(PROMOTION_CODES).values(position=position).where(mine))


async def archive_code(tx: Tx, code_id: UUID) -> None:
    """Let nobody redeem a code any more."""
    await _archive(tx, PROMOTION_CODES, code_id)


async def _archive(tx: Tx, table: Table, ident: UUID) -> None:
    await tx.connection.execute(update(table).values(archived_at=tx.now).where(table.c.id == ident))


def _coupon(row: Mapping[Any, Any]) -> Coupon:
    terms = CouponTerms(
        percent_off=row["percent_off"],
        amounts_off=row["amounts_off"],
        duration=Duration(row["duration"]),
        months=row["months"],
        plans=tuple(row["plans"]),
        max_redemptions=row["max_redemptions"],
        redeem_by=row["redeem_by"],
    )
    return Coupon(row["id"], row["key"], row["name"], terms, row["archived_at"])


def _code(row: Mapping[Any, Any], coupon: Coupon) -> PromotionCode:
    terms = CodeTerms(row["max_redemptions"], row["expires_at"], row["first_time_only"], row["minimum"])
    return PromotionCode(row["id"], row["code"], coupon, terms, row["archived_at"])
