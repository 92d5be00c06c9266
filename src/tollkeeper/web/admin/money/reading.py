"""Numbers and amounts as people type them into forms. Pure."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from tollkeeper.kit import FieldProblem, InvalidInputError, Money
from tollkeeper.web.admin.numbers import whole_number

Fields: TypeAlias = Mapping[str, str]

_MOST_DIGITS = 16


class Reader:
    """Reads numbers out of what was typed, and gathers what is none."""

    def __init__(self, fields: Fields) -> None:
        """Read these fields."""
        self._fields = fields
        self._problems: list[FieldProblem] = []

    def text(self, name: str) -> str:
        """Return what was typed, without spaces around it."""
        return self._fields.get(name, "").replace("\r\n", "\n").strip()

    def whole(self, name: str) -> int | None:
        """Return a whole number, with or without commas between its digits; None where nothing was typed."""
        digits = self.text(name).replace(",", "").replace("_", "").replace(" ", "")
        if not digits:
            return None
        found = whole_number(digits, digits=_MOST_DIGITS)
        if found is None:
            self._wrong(name, "Use a whole number such as 50,000")
        return found

    def minor(self, name: str, currency: str) -> int | None:
        """Return an amount of money in minor units; None where nothing was typed."""
        typed = self.text(name).replace(",", "")
        if not typed:
            return None
        try:
            amount = Decimal(typed).scaleb(Money(0, currency).decimals)
        except InvalidOperation:
            self._wrong(name, "Use an amount such as 20 or 19.99")
            return None
        if not amount.is_finite() or amount.adjusted() > _MOST_DIGITS:
            self._wrong(name, "Use an amount such as 20 or 19.99")
            return None
        if amount != amount.to_integral_value():
            self._wrong(name, f"{currency.upper()} has {Money(0, currency).decimals} decimals")
            return None
        return int(amount)

    def must_be_right(self) -> None:
        """Raise InvalidInputError if anything was none of what it should be."""
        if self._problems:
            raise InvalidInputError(self._problems)

    def _wrong(self, name: str, words: str) -> None:
        self._problems.append(FieldProblem(name, words))
