"""Checkout sessions as an API. What a buyer's submission does is in `checkout_flow`, the page in `pages.checkout`."""

import re
from typing import Any

from stripe_twin.core import ids
from stripe_twin.core.errors import invalid
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import listing, page, slice_page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    Field,
    array,
    boolean,
    choice,
    integer,
    merge_metadata,
    metadata,
    obj,
    page_params,
    params,
    required,
    text,
    time_range,
    unsettable,
)
from stripe_twin.core.store import Filter, equals
from stripe_twin.core.unit import Unit
from stripe_twin.resources import checkout_codes, checkout_tax, customers, prices, setup_intents, tax_rates
from stripe_twin.resources.automatic_tax import AUTOMATIC_TAX, of_invoice
from stripe_twin.resources.checkout_lines import LINE, add_up, check_lines, line_items, wanted_line
from stripe_twin.resources.subscribing import TRIAL_SETTINGS
from stripe_twin.rules.periods import DAY

_SHORTEST, _LONGEST = 30 * 60, DAY


def url() -> Field:
    """An http or https address."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or not re.match(r"https?://[^\s/]+", value):
            raise invalid("Not a valid URL", param=where, code="url_invalid")
        return value

    return Field(check)


def _compose(unit: Unit, session: Json) -> Json:
    is_open = session["status"] == "open"
    return {**session, "url": f"{unit.public_url}/checkout/{session['id']}" if is_open else None}


def _line_list(unit: Unit, session: Json) -> Json:
    return listing(f"/v1/checkout/sessions/{session['id']}/line_items", line_items(unit, session))


register(
    Kind(
        "checkout.session",
        "checkout.session",
        compose=_compose,
        includable={"line_items": _line_list},
        due=lambda session: session["expires_at"] if session["status"] == "open" else None,
        on_due=lambda unit, session: close(unit, session),  # noqa: PLW0108 -- close is defined below
    )
)

_UNSUPPORTED = (
    "adaptive_pricing after_expiration branding_settings consent_collection custom_fields custom_text "
    "customer_account excluded_payment_method_types invoice_creation managed_payments name_collection "
    "optional_items "
    "payment_method_configuration payment_method_data payment_method_options permissions redirect_on_completion "
    "return_url "
    "saved_payment_method_options shipping_address_collection shipping_options wallet_options"
)
_CREATE = params(
    mode=required(choice("payment", "setup", "subscription")),
    success_url=url(),
    cancel_url=url(),
    customer=text(),
    customer_email=text(512),
    customer_creation=choice("always", "if_required"),
    customer_update=obj(
        address=choice("auto", "never"), name=choice("auto", "never"), shipping=choice("auto", "never")
    ),
    client_reference_id=text(200),
    currency=prices.currency(),
    automatic_tax=AUTOMATIC_TAX,
    discounts=array(obj(coupon=text(), promotion_code=text())),
    expires_at=integer(0),
    line_items=array(LINE),
    metadata=metadata(),
    subscription_data=obj(
        default_tax_rates=tax_rates.RATES,
        description=text(500),
        metadata=metadata(),
        trial_end=integer(0),
        trial_period_days=integer(1, 730),
        trial_settings=TRIAL_SETTINGS,
        billing_mode=obj(type=required(choice("flexible")), unsupported="flexible"),
        unsupported=(
            "application_fee_percent billing_cycle_anchor billing_cycle_anchor_config "
            "invoice_settings "
            "on_behalf_of pending_invoice_item_interval proration_behavior transfer_data"
        ),
    ),
    payment_intent_data=obj(
        description=text(),
        metadata=metadata(),
        receipt_email=unsettable(text()),
        setup_future_usage=choice("off_session", "on_session"),
        shipping=customers.delivery(),
        unsupported="application_fee_amount capture_method on_behalf_of statement_descriptor transfer_data",
    ),
    setup_intent_data=obj(description=text(), metadata=metadata(), unsupported="on_behalf_of"),
    allowed_payment_method_types=array(choice("card", "sepa_debit", "us_bank_account")),
    allow_promotion_codes=boolean(),
    billing_address_collection=choice("auto", "required"),
    locale=text(10),
    origin_context=choice("mobile_app", "web"),
    payment_method_collection=choice("always", "if_required"),
    phone_number_collection=obj(enabled=required(boolean())),
    submit_type=choice("auto", "book", "donate", "pay", "subscribe"),
    tax_id_collection=obj(enabled=required(boolean()), unsupported="required"),
    ui_mode=choice("hosted_page"),
    integration_identifier=text(),
    unsupported=_UNSUPPORTED,
)


@operation("POST", "/v1/checkout/sessions", _CREATE)
def create(unit: Unit, args: Json) -> Json:
    """Make a checkout session."""
    _check(unit, args)
    customer = customers.live(unit, args["customer"]) if "customer" in args else None
    lines = [wanted_line(unit, entry, place) for place, entry in enumerate(args.get("line_items", []))]
    check_lines(unit, args["mode"], lines)
    session = _blank(unit, args, customer)
    session["_lines"] = lines
    if args["mode"] != "setup":
        session["currency"] = unit.load("price", lines[0]["price"])["currency"]
        checkout_codes.check_wanted(args)
        checkout_codes.check(unit, session)
        add_up(unit, session)
    if args["mode"] == "setup":
        data = session["_intent_data"]
        details = {"metadata": merge_metadata({}, data.get("metadata")), "description": data.get("description")}
        intent = setup_intents.make(unit, session["customer"], {**details, "_checkout": session["id"]})
        session.update(setup_intent=intent["id"], _intent=intent["id"], discounts=None)
    return unit.render(unit.save(session))


def _check(unit: Unit, args: Json) -> None:
    if "success_url" not in args:
        raise invalid("Missing required param: success_url.", param="success_url", code="parameter_missing")
    if "customer" in args and "customer_email" in args:
        raise invalid("You may only specify one of these parameters: customer, customer_email.", param="customer")
    checkout_tax.check(args)
    moment = args.get("expires_at")
    if moment is not None and not unit.now + _SHORTEST <= moment <= unit.now + _LONGEST:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from Checkout Session "
            "creation.",
            param="expires_at",
        )
    if args["mode"] == "setup":
        if "line_items" in args:
            raise invalid("You can not pass `line_items` in `setup` mode.", param="line_items")
    elif not args.get("line_items"):
        raise invalid("Missing required param: line_items.", param="line_items", code="parameter_missing")


def _trial_end(unit: Unit, args: Json) -> int | None:
    data = args.get("subscription_data", {})
    if "trial_period_days" in data:
        return unit.now + int(data["trial_period_days"]) * DAY
    moment: int | None = data.get("trial_end")
    return moment


def _blank(unit: Unit, args: Json, customer: Json | None) -> Json:
    email = customer["email"] if customer else args.get("customer_email")
    blank_details = dict.fromkeys(("address", "business_name", "individual_name", "name", "phone", "tax_ids"))
    mode = args["mode"]
    collection = "if_required" if mode == "payment" else "always"
    return {
        "id": ids.checkout(),
        "object": "checkout.session",
        **_unused(),
        **_by_mode(mode),
        "allow_promotion_codes": args.get("allow_promotion_codes"),
        "billing_address_collection": args.get("billing_address_collection"),
        "automatic_tax": _automatic_tax(args, customer),
        "cancel_url": args.get("cancel_url"),
        "client_reference_id": args.get("client_reference_id"),
        "created": unit.now,
        "currency": args.get("currency"),
        "customer": customer["id"] if customer else None,
        "customer_creation": None
        if customer
        else args.get("customer_creation", "if_required" if mode == "payment" else "always"),
        "customer_details": {**blank_details, "email": email, "tax_exempt": None if mode == "setup" else "none"}
        if email
        else None,
        "customer_email": args.get("customer_email"),
        "discounts": _shown_discounts(args),
        "expires_at": args.get("expires_at", unit.now + _LONGEST),
        "integration_identifier": args.get("integration_identifier"),
        "invoice": None,
        "livemode": False,
        "locale": args.get("locale"),
        "metadata": merge_metadata({}, args.get("metadata")),
        "mode": mode,
        "origin_context": args.get("origin_context"),
        "payment_intent": None,
        "payment_method_collection": args.get("payment_method_collection", collection),
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": args.get("allowed_payment_method_types", ["card"]),
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "phone_number_collection": args.get("phone_number_collection", {"enabled": False}),
        "setup_intent": None,
        "status": "open",
        "submit_type": args.get("submit_type"),
        **checkout_tax.kept(args),
        "subscription": None,
        "success_url": args["success_url"],
        "total_details": None,
        "ui_mode": "hosted_page",
        "_lines": [],
        "_wanted_discounts": args.get("discounts", []),
        "_trial": _trial_end(unit, args),
        "_subscription_data": args.get("subscription_data", {}),
        "_customer_update": args.get("customer_update", {}),
        "_intent_data": args.get("payment_intent_data") or args.get("setup_intent_data") or {},
        "_intent": None,
        "_buyer": {},
        "_problem": None,
    }


def _by_mode(mode: str) -> Json:
    """Fields that nothing here sets, as recorded for each mode."""
    empty = dict.fromkeys(("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options"))
    pays = mode == "payment"
    kept = {"allow_redisplay_filters": ["always"], "payment_method_remove": "disabled", "payment_method_save": None}
    return {
        "adaptive_pricing": {"enabled": pays},
        "invoice_creation": {"enabled": False, "invoice_data": {**empty, "metadata": {}}} if pays else None,
        "saved_payment_method_options": kept if pays else None,
    }


def _automatic_tax(args: Json, customer: Json | None) -> Json:
    enabled = args.get("automatic_tax", {}).get("enabled", False)
    shown = of_invoice(customer or {"address": None}, enabled=enabled)
    return {name: value for name, value in shown.items() if name != "disabled_reason"}


def _shown_discounts(args: Json) -> list[Json]:
    names = ("coupon", "promotion_code")
    return [{name: entry.get(name) for name in names} for entry in args.get("discounts", [])]


def _unused() -> Json:
    """Fields that nothing here sets; a session shows them all the same."""
    return {
        "after_expiration": None,
        "amount_subtotal": None,
        "amount_total": None,
        "client_secret": None,
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
        "consent": None,
        "consent_collection": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer_account": None,
        "payment_link": None,
        "payment_method_configuration_details": None,
        "permissions": None,
        "recovered_from": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "wallet_options": None,
    }


retrieval("checkout.session", "/v1/checkout/sessions/{ident}", params())


@operation(
    "POST",
    "/v1/checkout/sessions/{ident}",
    params(metadata=metadata(), unsupported="collected_information line_items payment_intent_data shipping_options"),
)
def update(unit: Unit, args: Json, ident: str) -> Json:
    """Change a session's metadata."""
    session = unit.load("checkout.session", ident)
    if "metadata" in args:
        session["metadata"] = merge_metadata(session["metadata"], args["metadata"])
    return unit.render(unit.save(session))


@operation("POST", "/v1/checkout/sessions/{ident}/expire", params())
def expire(unit: Unit, _: Json, ident: str) -> Json:
    """Close an open session."""
    session = unit.load("checkout.session", ident)
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    close(unit, session)
    return unit.render(session)


def close(unit: Unit, session: Json) -> None:
    """The session runs out unused."""
    session["status"] = "expired"
    unit.save(session)
    unit.emit("checkout.session.expired", session)


@operation("GET", "/v1/checkout/sessions/{ident}/line_items", page_params())
def its_line_items(unit: Unit, args: Json, ident: str) -> Json:
    """List what a session sells."""
    session = unit.load("checkout.session", ident)
    return slice_page(f"/v1/checkout/sessions/{ident}/line_items", line_items(unit, session), args)


@operation(
    "GET",
    "/v1/checkout/sessions",
    page_params(
        customer=text(),
        payment_intent=text(),
        subscription=text(),
        status=choice("complete", "expired", "open"),
        customer_details=obj(email=required(text())),
        created=time_range(),
        unsupported="customer_account payment_link",
    ),
)
def index(unit: Unit, args: Json) -> Json:
    """List checkout sessions."""
    names = ("customer", "payment_intent", "subscription", "status")
    filters: list[Filter] = [equals(f"$.{name}", args[name]) for name in names if name in args]
    if "customer_details" in args:
        filters.append(equals("$.customer_details.email", args["customer_details"]["email"]))
    return page(unit, "checkout.session", "/v1/checkout/sessions", args, *filters)
