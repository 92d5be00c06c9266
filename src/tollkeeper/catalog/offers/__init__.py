"""Coupons, the promotion codes that lead to them, and trials: the part of the catalogue that makes plans cheaper.

Invariants: the terms of a coupon and of a code never change, so that other terms are a new row and those who redeemed
the old one keep it; at most one code of a text, regardless of case, can be redeemed.
"""

from .model import (
    CodeTerms,
    Coupon,
    CouponTerms,
    Duration,
    PromotionCode,
    PromotionCodeError,
    Trial,
    TrialEnd,
)
from .rules import Standing, compare_offers, coupon_in_words, why_not
from .service import find_code, save_offers, takes_codes
from .spec import Code, CodeSpec, CouponSpec, TrialSpec, contradictions
from .store import list_codes, list_coupons, load_codes, load_coupons

__all__ = [
    "Code",
    "CodeSpec",
    "CodeTerms",
    "Coupon",
    "CouponSpec",
    "CouponTerms",
    "Duration",
    "PromotionCode",
    "PromotionCodeError",
    "Standing",
    "Trial",
    "TrialEnd",
    "TrialSpec",
    "compare_offers",
    "contradictions",
    "coupon_in_words",
    "find_code",
    "list_codes",
    "list_coupons",
    "load_codes",
    "load_coupons",
    "save_offers",
    "takes_codes",
    "why_not",
]
