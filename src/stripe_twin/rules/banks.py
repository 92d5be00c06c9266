"""Stripe's test bank accounts: methods whose payments are under way for a while before they succeed or fail."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from stripe_twin.rules.cards import Decline


@dataclass(frozen=True)
class Account:
    """A test account. `failure` is why a payment from it comes back, None when it arrives."""

    kind: Literal["us_bank_account", "sepa_debit"]
    number: str
    failure: Decline | None = None
    seconds: int = 10

    @property
    def last4(self) -> str:
        """The digits that may be shown."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """The same for the same account, and says nothing about it."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def _failure(code: str, words: str) -> Decline:
    return Decline(code, None, words)


_NO_ACCOUNT = _failure("no_account", "The bank account could not be located.")
_CLOSED = _failure("account_closed", "The bank account has been closed.")
_FROZEN = _failure("bank_account_restricted", "The customer's bank account does not allow this type of debit.")
_FUNDS = _failure("insufficient_funds", "The customer's account has insufficient funds to cover this payment.")
_UNAUTHORIZED = _failure(
    "debit_not_authorized",
    "The customer has notified their bank that this payment was unauthorized.",
)
_CURRENCY = _failure("invalid_currency", "The bank was unable to process this payment because of its currency.")
_GENERIC = _failure("generic_decline", "The payment was declined by the customer's bank.")
ROUTING = "110000000"

_LONG = 180
_ACCOUNTS = [
    Account("us_bank_account", "000123456789"),
    Account("us_bank_account", "000111111116", _FROZEN),
    Account("us_bank_account", "000111111113", _CLOSED),
    Account("us_bank_account", "000111111112", _NO_ACCOUNT),
    Account("us_bank_account", "000222222227", _FUNDS),
    Account("us_bank_account", "000333333335", _UNAUTHORIZED),
    Account("us_bank_account", "000444444440", _CURRENCY),
    Account("us_bank_account", "000000000009", None, 10 * 366 * 86_400),
    Account("sepa_debit", "AT611904300234573201"),
    Account("sepa_debit", "AT321904300235473204", None, _LONG),
    Account("sepa_debit", "AT861904300235473202", _GENERIC),
    Account("sepa_debit", "AT051904300235473205", _GENERIC, _LONG),
    Account("sepa_debit", "IT40S0542811101000000123456"),
    Account("sepa_debit", "IT60X0542811101000000123456", _GENERIC),
    Account("sepa_debit", "DE89370400440532013000"),
    Account("sepa_debit", "DE08370400440532013003", None, _LONG),
    Account("sepa_debit", "DE62370400440532013001", _GENERIC),
    Account("sepa_debit", "DE78370400440532013004", _GENERIC, _LONG),
]
ACCOUNTS = {account.number: account for account in _ACCOUNTS}

MAGIC = {
    "pm_usBankAccount_success": "000123456789",
    "pm_usBankAccount": "000123456789",
    "pm_usBankAccount_accountFrozen": "000111111116",
    "pm_usBankAccount_accountClosed": "000111111113",
    "pm_usBankAccount_noAccount": "000111111112",
    "pm_usBankAccount_insufficientFunds": "000222222227",
    "pm_usBankAccount_debitNotAuthorized": "000333333335",
    "pm_usBankAccount_invalidCurrency": "000444444440",
    "pm_usBankAccount_processing": "000000000009",
}


def magic(ident: str) -> Account | None:
    """The account behind ids such as `pm_usBankAccount_success`."""
    number = MAGIC.get(ident)
    return ACCOUNTS[number] if number else None
