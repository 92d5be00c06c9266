"""Coupons, the promotion codes that lead to them, and trials: the part of the catalogue that makes plans cheaper.

Invariants: the terms of a coupon and of a code never change, so that other terms are a new row and those who redeemed
the old one keep it; at most one code of a text, regardless of case, can be redeemed.
"""
