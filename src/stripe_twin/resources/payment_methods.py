"""Payment methods: cards only. A card that its bank refuses cannot be saved, as at Stripe."""

from datetime import UTC, datetime

from stripe_twin.core import ids
from stripe_twin.core.errors import StripeError, invalid, missing
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    choice,
    integer,
    merge_metadata,
    metadata,
    obj,
    page_params,
    params,
    required,
    text,
    unsettable,
)
from stripe_twin.core.store import equals
from stripe_twin.core.unit import Unit
from stripe_twin.rules import banks
from stripe_twin.rules.banks import ROUTING, Account
from stripe_twin.rules.cards import CARDS, NOT_A_TEST_CARD, Card, Decline, flaws, magic

register(Kind("payment_method", "PaymentMethod"))

NO_DETAILS: Json = {
    "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}
_BILLING = obj(
    address=unsettable(
        obj(
            city=unsettable(text()),
            country=unsettable(text(2)),
            line1=unsettable(text()),
            line2=unsettable(text()),
            postal_code=unsettable(text()),
            state=unsettable(text()),
        )
    ),
    email=unsettable(text()),
    name=unsettable(text()),
    phone=unsettable(text()),
    unsupported="tax_id",
)
_CARD = obj(number=text(), exp_month=integer(), exp_year=integer(), cvc=text(), token=text(), unsupported="networks")
_NO_CARD = Card("")
REDISPLAY = choice("always", "limited", "unspecified")


def card_error(
    decline: Decline, *, param: str | None = None, extra: Json | None = None, keep: bool = False
) -> StripeError:
    """A refusal by the card or its bank: 402."""
    more = {"decline_code": decline.decline_code} if decline.decline_code else {}
    if decline.network_code:
        more["network_decline_code"] = decline.network_code
    return StripeError(
        402, "card_error", decline.message, code=decline.code, param=param, extra={**more, **(extra or {})}, keep=keep
    )


def card_of(method: Json) -> Card:
    """The test card behind a payment method; for a bank account one that refuses nothing."""
    return CARDS[method["_number"]] if method["type"] == "card" else _NO_CARD


def make(unit: Unit, card: Card, month: int, year: int, *, cvc: bool, args: Json) -> Json:
    """A new payment method on a test card; nothing is reported until it is attached."""
    billing = args.get("billing_details") or {}
    address = {**NO_DETAILS["address"], **(billing.get("address") or {})}
    postal = address["postal_code"] is not None
    return unit.save(
        {
            "id": ids.long("pm"),
            "object": "payment_method",
            "allow_redisplay": args.get("allow_redisplay", "unspecified"),
            "billing_details": {**NO_DETAILS, **billing, "address": address},
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": "pass" if postal else None,
                    "cvc_check": "pass" if cvc else None,
                },
                "country": card.country,
                "display_brand": card.brand,
                "exp_month": month,
                "exp_year": year,
                "fingerprint": card.fingerprint,
                "funding": card.funding,
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "created": unit.now,
            "customer": None,
            "livemode": False,
            "metadata": merge_metadata({}, args.get("metadata")),
            "type": "card",
            "_number": card.number,
            "_set_up": False,
        }
    )


def make_account(unit: Unit, account: Account, args: Json) -> Json:
    """A new payment method on a test bank account."""
    billing = args.get("billing_details") or {}
    address = {**NO_DETAILS["address"], **(billing.get("address") or {})}
    shown: Json = {"fingerprint": account.fingerprint, "last4": account.last4}
    if account.kind == "sepa_debit":
        source = {"charge": None, "setup_attempt": None}
        bank = {"bank_code": account.number[4:9], "branch_code": "", "country": account.number[:2]}
        shown |= {**bank, "generated_from": source}
    else:
        shown |= {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": None,
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": ROUTING,
            "status_details": {},
        }
    return unit.save(
        {
            "id": ids.long("pm"),
            "object": "payment_method",
            "allow_redisplay": args.get("allow_redisplay", "unspecified"),
            "billing_details": {**NO_DETAILS, **billing, "address": address},
            account.kind: shown,
            "created": unit.now,
            "customer": None,
            "livemode": False,
            "metadata": merge_metadata({}, args.get("metadata")),
            "type": account.kind,
            "_account": account.number,
            "_set_up": False,
        }
    )


def today(unit: Unit) -> tuple[int, int]:
    """This year and month in virtual time."""
    moment = datetime.fromtimestamp(unit.now, UTC)
    return moment.year, moment.month


def resolve(unit: Unit, ident: str, param: str | None, *, status: int | None = None) -> Json:
    """The payment method of that id; `pm_card_visa` and its like make a new one. `status` is that of the error."""
    card = magic(ident)
    if card is not None:
        return make(unit, card, 12, today(unit)[0] + 3, cvc=True, args={})
    account = banks.magic(ident)
    if account is not None:
        return make_account(unit, account, {"billing_details": {"name": "Jenny Rosen"}})
    found = unit.store.get(ident, "payment_method")
    if found is None:
        raise missing("PaymentMethod", ident, param, status=status)
    return found


def usable(unit: Unit, ident: str, customer: str | None, param: str = "payment_method") -> Json:
    """The payment method, if this customer may pay with it."""
    method = resolve(unit, ident, param)
    if method["customer"] is not None and method["customer"] != customer:
        raise invalid(
            "The provided PaymentMethod belongs to another customer than the one of this payment. "
            "Detach it first, or pay as its customer.",
            param=param,
        )
    return method


@operation(
    "POST",
    "/v1/payment_methods",
    params(
        type=required(choice("card", "sepa_debit", "us_bank_account")),
        sepa_debit=obj(iban=required(text(40))),
        us_bank_account=obj(
            account_number=required(text(20)),
            routing_number=text(9),
            account_holder_type=choice("company", "individual"),
            account_type=choice("checking", "savings"),
            unsupported="financial_connections_account",
        ),
        card=_CARD,
        billing_details=_BILLING,
        metadata=metadata(),
        allow_redisplay=REDISPLAY,
        unsupported="customer payment_method radar_options",
    ),
)
def create(unit: Unit, args: Json) -> Json:
    """Make a payment method from card details or a token; a wrong number or date is refused."""
    if args["type"] != "card":
        return unit.render(make_account(unit, _account(args), args))
    given = args.get("card")
    if given is None:
        raise invalid("Missing required param: card.", param="card", code="parameter_missing")
    if "token" in given:
        card = magic(given["token"])
        if card is None:
            raise missing("token", given["token"], "card[token]")
        return unit.render(make(unit, card, 12, today(unit)[0] + 3, cvc=True, args=args))
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            raise invalid(f"Missing required param: card[{name}].", param=f"card[{name}]", code="parameter_missing")
    number = given["number"].replace(" ", "")
    year = given["exp_year"] + 2000 if given["exp_year"] < 100 else given["exp_year"]
    wrong = flaws(number, given["exp_month"], year, given.get("cvc"), today(unit))
    if wrong:
        raise card_error(wrong[0].decline, param=wrong[0].param)
    if number not in CARDS:
        raise card_error(NOT_A_TEST_CARD, param="number")
    return unit.render(make(unit, CARDS[number], given["exp_month"], year, cvc="cvc" in given, args=args))


def _account(args: Json) -> Account:
    kind, field = args["type"], "iban" if args["type"] == "sepa_debit" else "account_number"
    if kind not in args:
        raise invalid(f"Missing required param: {kind}.", param=kind, code="parameter_missing")
    account = banks.ACCOUNTS.get(args[kind][field].replace(" ", ""))
    if account is None or account.kind != kind:
        raise invalid(
            "You must use a test bank account number in test mode.",
            param=f"{kind}[{field}]",
            code="account_number_invalid",
        )
    return account


retrieval("payment_method", "/v1/payment_methods/{ident}", params())


@operation(
    "POST",
    "/v1/payment_methods/{ident}",
    params(
        billing_details=_BILLING,
        metadata=metadata(),
        allow_redisplay=REDISPLAY,
        card=obj(exp_month=integer(1, 12), exp_year=integer(), unsupported="networks"),
    ),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change an attached payment method."""
    method = unit.load("payment_method", ident)
    if method["customer"] is None:
        raise invalid("You must save this PaymentMethod to a customer before you can update it.")
    before = unit.render(method)
    method["card"] = {**method["card"], **args.get("card", {})}
    if "billing_details" in args:
        given = args["billing_details"]
        address = {**method["billing_details"]["address"], **(given.get("address") or {})}
        method["billing_details"] = {**method["billing_details"], **given, "address": address}
    if "metadata" in args:
        method["metadata"] = merge_metadata(method["metadata"], args["metadata"])
    method["allow_redisplay"] = args.get("allow_redisplay", method["allow_redisplay"])
    unit.updated("payment_method.updated", method, before)
    return unit.render(method)


def attach(unit: Unit, method: Json, customer: str) -> Json:
    """Save the method for the customer; a card its bank refuses raises 402."""
    if method["customer"] == customer:
        return method
    if method["customer"] is not None:
        raise invalid("The payment method you provided has already been attached to a customer.")
    if method.get("_spent"):
        raise invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, "
            "and may not be used again."
        )
    refusal = card_of(method).saving
    if refusal:
        raise card_error(refusal)
    return bind(unit, method, customer)


def bind(unit: Unit, method: Json, customer: str) -> Json:
    """Attach without asking the bank again: the card was just charged or set up."""
    method["customer"] = customer
    unit.save(method)
    unit.emit("payment_method.attached", method)
    return method


def detach(unit: Unit, method: Json) -> Json:
    """Take the method from its customer; it cannot be used again."""
    before = unit.render(method)
    owner = unit.load("customer", method["customer"])
    if owner["invoice_settings"]["default_payment_method"] == method["id"]:
        owner["invoice_settings"]["default_payment_method"] = None
        unit.save(owner)
    method["customer"] = None
    method["_spent"] = True
    unit.save(method)
    unit.emit("payment_method.detached", method, before)
    return method


@operation(
    "POST", "/v1/payment_methods/{ident}/attach", params(customer=required(text()), unsupported="customer_account")
)
def attach_it(unit: Unit, args: Json, ident: str) -> Json:
    """Attach a payment method to a customer."""
    customer = unit.load("customer", args["customer"], "customer")
    return unit.render(attach(unit, resolve(unit, ident, "payment_method", status=404), customer["id"]))


@operation("POST", "/v1/payment_methods/{ident}/detach", params())
def detach_it(unit: Unit, _: Json, ident: str) -> Json:
    """Detach a payment method."""
    method = unit.load("payment_method", ident)
    if method["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    return unit.render(detach(unit, method))


@operation(
    "GET",
    "/v1/payment_methods",
    page_params(customer=text(), type=text(), allow_redisplay=REDISPLAY, unsupported="customer_account"),
)
def index(unit: Unit, args: Json) -> Json:
    """List payment methods."""
    filters = [equals(f"$.{name}", args[name]) for name in ("customer", "type", "allow_redisplay") if name in args]
    return page(unit, "payment_method", "/v1/payment_methods", args, *filters)
