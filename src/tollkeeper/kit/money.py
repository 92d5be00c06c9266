"""Money: an integer count of minor units in one ISO 4217 currency. Never a float."""

from dataclasses import dataclass
from typing import Self

# ISO 4217 currencies whose minor unit is the unit itself, or a thousandth. All others have cents.
ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"],
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount. `amount` is in minor units (cents for usd, yen for jpy); `currency` is lower-case ISO 4217."""

    amount: int
    currency: str

    def __add__(self, other: Self) -> "Money":
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: Self) -> "Money":
        return Money(self.amount - self._same(other).amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def _same(self, other: Self) -> Self:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other

    @property
    def decimals(self) -> int:
        """How many digits stand behind the decimal point when the amount is written out."""
        if self.currency in ZERO_DECIMAL:
            return 0
        return 3 if self.currency in THREE_DECIMAL else 2

    def __str__(self) -> str:
        sign = "-" if self.amount < 0 else ""
        whole, rest = divmod(abs(self.amount), 10**self.decimals)
        digits = f"{whole:,}" + (f".{rest:0{self.decimals}d}" if self.decimals else "")
        return f"{sign}{digits} {self.currency.upper()}"
