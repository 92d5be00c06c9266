"""Object ids and secrets in Stripe's style: a prefix that names the kind and random letters and digits."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def token(length: int) -> str:
    """`length` random letters and digits."""
    number = secrets.randbelow(len(_ALPHABET) ** length)
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def short(prefix: str) -> str:
    """The style of customers, products and subscription items: `cus_` and 14 characters."""
    return f"{prefix}_{token(14)}"


def long(prefix: str) -> str:
    """The style of most other objects: `sub_1` and 23 characters."""
    return f"{prefix}_1{token(23)}"


def payment(prefix: str) -> str:
    """The style of payment intents and charges: `pi_3` and 23 characters."""
    return f"{prefix}_3{token(23)}"


def request() -> str:
    """A request id."""
    return f"req_{token(14)}"


def checkout() -> str:
    """A test-mode checkout session id."""
    return f"cs_test_a1{token(56)}"
