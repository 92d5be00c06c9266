"""Pure arithmetic of money and time.

Owns: periods, rounding, charge models, proration, discounts, tax, the rating of usage and its explanation.
Does not own: any state, any price; every function is given all it needs, the moment too.
Invariants: periods are half-open `[start, end)` in UTC; month ends are re-clamped from the anchor's day; nothing is
rounded but a finished line, half away from zero; parts sum to their whole; a digit that would be lost is an error.
Amounts inside a calculation are `Decimal` minor units, so that 0.05 cents can be a price; results are whole ones.
"""

from .charges import Charge, Flat, Graduated, Model, Package, Percentage, PerUnit, Step, Tier, Volume
from .discounts import AmountOff, Discount, PercentOff, allocate, discount_lines, percent_of
from .periods import Interval, Period, boundary, next_boundary, period_at, previous_boundary
from .proration import Proration, change_interval, change_plan, prorate, remaining
from .rated import QuantityChange, Rating, rate, rate_graduated_over_time, rate_payments, rate_volume_over_time
from .rounding import in_major, round_half_away, to_money
from .tax import Taxed, TaxRate, tax_line
from .usage import PriceVersion, Usage, UsageLine, rate_overage
from .words import charge_in_words

__all__ = [
    "AmountOff",
    "Charge",
    "Discount",
    "Flat",
    "Graduated",
    "Interval",
    "Model",
    "Package",
    "PerUnit",
    "PercentOff",
    "Percentage",
    "Period",
    "PriceVersion",
    "Proration",
    "QuantityChange",
    "Rating",
    "Step",
    "TaxRate",
    "Taxed",
    "Tier",
    "Usage",
    "UsageLine",
    "Volume",
    "allocate",
    "boundary",
    "change_interval",
    "change_plan",
    "charge_in_words",
    "discount_lines",
    "in_major",
    "next_boundary",
    "percent_of",
    "period_at",
    "previous_boundary",
    "prorate",
    "rate",
    "rate_graduated_over_time",
    "rate_overage",
    "rate_payments",
    "rate_volume_over_time",
    "remaining",
    "round_half_away",
    "tax_line",
    "to_money",
]
