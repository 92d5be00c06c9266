"""Stripe's test cards: what each number does when it is saved and when it is charged."""

import hashlib
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Decline:
    """Why a card was refused: the error `code`, the bank's `decline_code`, and Stripe's message."""

    code: str
    decline_code: str | None
    message: str

    @property
    def network_code(self) -> str | None:
        """The two digits the network gives, for declines by the bank."""
        return {"insufficient_funds": "51", "lost_card": "41", "stolen_card": "43", "generic_decline": "01"}.get(
            self.decline_code or ""
        )


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


GENERIC = _declined("generic_decline")
INSUFFICIENT = _declined("insufficient_funds", "Your card has insufficient funds.")
LOST = _declined("lost_card")
STOLEN = _declined("stolen_card")
FRAUDULENT = _declined("fraudulent")
VELOCITY = _declined("card_velocity_exceeded", "Your card was declined for making repeated attempts too frequently.")
EXPIRED = Decline("expired_card", None, "Your card has expired.")
WRONG_CVC = Decline("incorrect_cvc", None, "Your card's security code is incorrect.")
PROCESSING = Decline(
    "processing_error", None, "An error occurred while processing your card. Try again in a little bit."
)
WRONG_NUMBER = Decline("incorrect_number", None, "Your card number is incorrect.")
NOT_A_TEST_CARD = _declined(
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card. "
    "For a list of valid test cards, visit: https://stripe.com/docs/testing.",
)
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)

Challenge = Literal["never", "until_set_up", "always"]
Refunding = Literal["at_once", "pending", "fails_later"]


@dataclass(frozen=True)
class Card:
    """A test card. `saving` and `charging` are the refusals it earns there, `challenge` when its bank asks.

    `dispute` is the reason its holder gives when a payment is disputed at once; an `inquiry` takes no money yet.
    """

    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    saving: Decline | None = None
    charging: Decline | None = None
    challenge: Challenge = "never"
    refunding: Refunding = "at_once"
    dispute: str | None = None
    inquiry: bool = False

    @property
    def last4(self) -> str:
        """The digits that may be shown."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """The same for the same number, and says nothing about it."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def _refused(number: str, decline: Decline) -> Card:
    return Card(number, saving=decline, charging=decline)


# Successful cards of other countries.
ABROAD = {
    "4000000320000021": "AR",
    "4000000760000002": "BR",
    "4000001240000000": "CA",
    "4000001520000001": "CL",
    "4000001700000003": "CO",
    "4000004840008001": "MX",
    "4000000400000008": "AT",
    "4000000560000004": "BE",
    "4000002030000002": "CZ",
    "4000002080000001": "DK",
    "4000002330000009": "EE",
    "4000002460000001": "FI",
    "4000003000000030": "GR",
    "4000003480000005": "HU",
    "4000003720000005": "IE",
    "4000003800000008": "IT",
    "4000005280000002": "NL",
    "4000005780000007": "NO",
    "4000006160000005": "PL",
    "4000006200000007": "PT",
    "4000006420000001": "RO",
    "4000007240000007": "ES",
    "4000007520000008": "SE",
    "4000007560000009": "CH",
    "4000000360000006": "AU",
    "4000001560000002": "CN",
    "4000003440000004": "HK",
    "4000003560000008": "IN",
    "4000003920000003": "JP",
    "4000004580000002": "MY",
    "4000005540000008": "NZ",
    "4000007020000003": "SG",
}

_CARDS = [
    Card("4242424242424242"),
    Card("4000056655665556", funding="debit"),
    Card("5555555555554444", "mastercard"),
    Card("2223003122003222", "mastercard"),
    Card("5200828282828210", "mastercard", "debit"),
    Card("5105105105105100", "mastercard", "prepaid"),
    Card("378282246310005", "amex"),
    Card("371449635398431", "amex"),
    Card("6011111111111117", "discover"),
    Card("6011000990139424", "discover"),
    Card("3056930009020004", "diners"),
    Card("36227206271667", "diners"),
    Card("3566002020360505", "jcb", country="JP"),
    Card("6200000000000005", "unionpay", country="CN"),
    Card("4000002760000016", country="DE"),
    Card("4000008260000000", country="GB"),
    Card("4000002500000003", country="FR"),
    Card("4000000000000077"),
    _refused("4000000000000002", GENERIC),
    _refused("4000000000009995", INSUFFICIENT),
    _refused("4000000000009987", LOST),
    _refused("4000000000009979", STOLEN),
    _refused("4000000000000069", EXPIRED),
    _refused("4000000000000127", WRONG_CVC),
    _refused("4000000000000101", WRONG_CVC),
    _refused("4000000000000119", PROCESSING),
    _refused("4100000000000019", FRAUDULENT),
    _refused("4000000000006975", VELOCITY),
    Card("4000000000000341", charging=GENERIC),
    Card("4000002500003155", country="FR", challenge="until_set_up"),
    Card("4000002760003184", country="DE", challenge="always"),
    Card("4000000000003220", challenge="always"),
    Card("4000000000003063", challenge="always"),
    Card("4000003800000446", country="NL", challenge="until_set_up"),
    Card("4000008260003178", country="GB", charging=INSUFFICIENT, challenge="until_set_up"),
    Card("4000008400001629", charging=GENERIC, challenge="always"),
    Card("4000000000003055"),
    Card("4000000000005126", refunding="fails_later"),
    Card("4000000000007726", refunding="pending"),
    Card("4000000000000259", dispute="fraudulent"),
    Card("4000000000002685", dispute="product_not_received"),
    Card("4000000000001976", dispute="general", inquiry=True),
    Card("4000000000005423"),
    Card("4000000404000038", dispute="fraudulent"),
    Card("4000000404000079", dispute="fraudulent"),
    Card("4000008400000779", dispute="noncompliant"),
    Card("4000000000000036"),
    Card("4000000000000028"),
    Card("4000000000000010"),
    Card("4000000000009235"),
    _refused("4000000000004954", FRAUDULENT),
    Card("4000000000001091", challenge="until_set_up"),
    Card("4000000000003097", charging=PROCESSING, challenge="always"),
    Card("6205500000000000004", "unionpay", country="CN"),
    Card("6555900000604105", "discover"),
    Card("6011000990139424", "discover"),
    Card("6011981111111113", "discover", "debit"),
    *(Card(number, country=country) for number, country in ABROAD.items()),
]
CARDS = {card.number: card for card in _CARDS}

MAGIC = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "discover": "6011000990139424",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "us": "4242424242424242",
    "de": "4000002760000016",
    "gb": "4000008260000000",
    "fr": "4000002500000003",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "chargeDeclinedFraudulent": "4100000000000019",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeCustomerFail": "4000000000000341",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecureRequired": "4000000000003220",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureOptional": "4000000000003055",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "createIssuerFraudRecord": "4000000000005423",
    "createMultipleDisputes": "4000000404000038",
    "createCe3EligibleDispute": "4000000404000079",
    "createComplianceDispute": "4000008400000779",
    "refundFail": "4000000000005126",
    "pendingRefund": "4000000000007726",
    "bypassPending": "4000000000000077",
    "riskLevelHighest": "4000000000004954",
    "riskLevelElevated": "4000000000009235",
    "avsFail": "4000000000000010",
    "avsZipFail": "4000000000000036",
    "avsLine1Fail": "4000000000000028",
    "cvcCheckFail": "4000000000000101",
    "visa_chargeDeclinedFraudulent": "4100000000000019",
    **{country.lower(): number for number, country in ABROAD.items()},
}


def magic(ident: str) -> Card | None:
    """The card behind ids such as `pm_card_visa` and `tok_visa`."""
    for prefix in ("pm_card_", "tok_"):
        if ident.startswith(prefix):
            number = MAGIC.get(ident.removeprefix(prefix))
            return CARDS[number] if number else None
    return None


def luhn(number: str) -> bool:
    """Whether the check digit is right."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@dataclass(frozen=True)
class Flaw:
    """One thing wrong with card details as typed: which field, Stripe's error, and words for the buyer."""

    field: Literal["card_number", "exp_month", "exp_year", "cvc"]
    param: str
    decline: Decline
    words: str


def flaws(number: str, month: int | None, year: int | None, cvc: str | None, today: tuple[int, int]) -> list[Flaw]:
    """What is wrong with the details, before any bank is asked. `today` is (year, month); a missing cvc is no flaw."""
    found = []
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19 and luhn(number)):
        found.append(Flaw("card_number", "number", WRONG_NUMBER, "Check the card number: a digit seems to be wrong."))
    if month is None or not 1 <= month <= 12:
        wrong = Decline("invalid_expiry_month", None, "Your card's expiration month is invalid.")
        found.append(Flaw("exp_month", "exp_month", wrong, "Enter the month as a number from 1 to 12."))
    if year is None or not today[0] <= year <= today[0] + 50:
        wrong = Decline("invalid_expiry_year", None, "Your card's expiration year is invalid.")
        found.append(Flaw("exp_year", "exp_year", wrong, "Check the year: this card has expired, or a digit is wrong."))
    elif month is not None and (year, month) < today:
        wrong = Decline("invalid_expiry_month", None, "Your card's expiration month is invalid.")
        found.append(Flaw("exp_month", "exp_month", wrong, "This date is in the past: the card has expired."))
    if cvc is not None and not (cvc.isascii() and cvc.isdigit() and len(cvc) in (3, 4)):
        wrong = Decline("invalid_cvc", None, "Your card's security code is invalid.")
        found.append(Flaw("cvc", "cvc", wrong, "Enter the 3 or 4 digits of the security code."))
    return found


_WORDS = {
    "insufficient_funds": "There is not enough money available on this card. Use another card, or top this one up.",
    "lost_card": "The bank says this card was reported lost. Use another card.",
    "stolen_card": "The bank says this card was reported stolen. Use another card.",
    "fraudulent": "The bank refused this payment. Use another card or ask your bank.",
    "card_velocity_exceeded": "This card was tried too often in a short time. Wait a while, or use another card.",
    "expired_card": "This card has expired. Use another card.",
    "incorrect_cvc": "The security code is wrong. Check the 3 or 4 digits on your card and try again.",
    "processing_error": "Something went wrong while the card was processed. You were not charged; try again in a "
    "moment.",
    "test_mode_live_card": "This page takes test cards only, such as 4242 4242 4242 4242. Nothing was charged.",
    "authentication_required": "Your bank wants you to confirm this payment. Try again and confirm it.",
    "payment_intent_authentication_failure": "Your bank could not confirm that it is you. Try again or use another "
    "card.",
    "setup_intent_authentication_failure": "Your bank could not confirm that it is you. Try again or use another card.",
}


def words(code: str | None, decline_code: str | None) -> str:
    """A refusal in words a buyer understands, with what to do."""
    fallback = "The bank declined this card. You were not charged; use another card or ask your bank."
    return _WORDS.get(decline_code or "") or _WORDS.get(code or "") or fallback
