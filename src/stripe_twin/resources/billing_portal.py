"""The customer portal: sessions that let a customer look and change, and configurations that say what."""

from stripe_twin.core import ids
from stripe_twin.core.json import Json
from stripe_twin.core.kinds import Kind, register
from stripe_twin.core.lists import page
from stripe_twin.core.operations import operation, retrieval
from stripe_twin.core.params import (
    Field,
    array,
    boolean,
    choice,
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
from stripe_twin.resources import customers, setup_intents
from stripe_twin.resources.checkout import url
from stripe_twin.resources.subscribing import ENDED

SESSION_SECONDS = 3_600


def _compose(unit: Unit, session: Json) -> Json:
    return {**session, "url": f"{unit.public_url}/portal/{session['id']}"}


register(Kind("billing_portal.session", "billing_portal.session", compose=_compose))
register(Kind("billing_portal.configuration", "billing_portal.configuration"))

_PRORATION = choice("always_invoice", "create_prorations", "none")
_REASON = {"enabled": False, "options": ["too_expensive", "missing_features", "switched_service", "unused", "other"]}
_FEATURES: Json = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": _REASON,
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    "subscription_update": {
        "default_allowed_updates": [],
        "enabled": False,
        "products": None,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}
_DEFAULT = ("invoice_history", "payment_method_update", "subscription_cancel")


def _switch(**more: Field) -> Field:
    return obj(unsupported="", enabled=boolean(), **more)


_FEATURE_PARAMS = obj(
    customer_update=_switch(allowed_updates=unsettable(array(text()))),
    invoice_history=_switch(),
    payment_method_update=_switch(),
    subscription_cancel=_switch(
        mode=choice("at_period_end", "immediately"),
        proration_behavior=_PRORATION,
        cancellation_reason=_switch(options=unsettable(array(text()))),
    ),
    subscription_update=_switch(
        default_allowed_updates=unsettable(array(choice("price", "promotion_code", "quantity"))),
        products=unsettable(
            array(obj(product=required(text()), prices=required(array(text())), unsupported="adjustable_quantity"))
        ),
        proration_behavior=_PRORATION,
    ),
)
_PROFILE = obj(
    headline=unsettable(text(60)), privacy_policy_url=unsettable(url()), terms_of_service_url=unsettable(url())
)
_CONFIGURATION = {
    "business_profile": _PROFILE,
    "default_return_url": unsettable(url()),
    "metadata": metadata(),
    "name": unsettable(text()),
}


def _merged(features: Json, given: Json) -> Json:
    return {name: {**feature, **given.get(name, {})} for name, feature in features.items()}


def _make(unit: Unit, args: Json, *, default: bool) -> Json:
    profile = dict.fromkeys(("headline", "privacy_policy_url", "terms_of_service_url"))
    return unit.save(
        {
            "id": ids.long("bpc"),
            "object": "billing_portal.configuration",
            "active": True,
            "application": None,
            "business_profile": {**profile, **args.get("business_profile", {})},
            "created": unit.now,
            "default_return_url": args.get("default_return_url"),
            "features": _merged(_FEATURES, args.get("features", {})),
            "is_default": default,
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": merge_metadata({}, args.get("metadata")),
            "name": args.get("name"),
            "updated": unit.now,
        }
    )


@operation(
    "POST",
    "/v1/billing_portal/configurations",
    params(features=required(_FEATURE_PARAMS), unsupported="login_page", **_CONFIGURATION),
)
def create_configuration(unit: Unit, args: Json) -> Json:
    """Make a configuration."""
    configuration = _make(unit, args, default=False)
    unit.emit("billing_portal.configuration.created", configuration)
    return unit.render(configuration)


retrieval("billing_portal.configuration", "/v1/billing_portal/configurations/{ident}", params())


@operation(
    "POST",
    "/v1/billing_portal/configurations/{ident}",
    params(features=_FEATURE_PARAMS, active=boolean(), unsupported="login_page", **_CONFIGURATION),
)
def update_configuration(unit: Unit, args: Json, ident: str) -> Json:
    """Change a configuration."""
    configuration = unit.load("billing_portal.configuration", ident)
    before = unit.render(configuration)
    configuration["features"] = _merged(configuration["features"], args.pop("features", {}))
    configuration["business_profile"] = {**configuration["business_profile"], **args.pop("business_profile", {})}
    if "metadata" in args:
        args["metadata"] = merge_metadata(configuration["metadata"], args["metadata"])
    configuration.update({**args, "updated": unit.now})
    unit.updated("billing_portal.configuration.updated", configuration, before)
    return unit.render(configuration)


@operation("GET", "/v1/billing_portal/configurations", page_params(active=boolean(), is_default=boolean()))
def configurations(unit: Unit, args: Json) -> Json:
    """List configurations."""
    filters = [equals(f"$.{name}", args[name]) for name in ("active", "is_default") if name in args]
    return page(unit, "billing_portal.configuration", "/v1/billing_portal/configurations", args, *filters)


def _default(unit: Unit) -> str:
    """The configuration of sessions that name none; it allows what the portal page can do."""
    for known in unit.find("billing_portal.configuration", equals("$.is_default", True), limit=1):
        return str(known["id"])
    return str(_make(unit, {"features": {name: {"enabled": True} for name in _DEFAULT}}, default=True)["id"])


@operation(
    "POST",
    "/v1/billing_portal/sessions",
    params(
        customer=required(text()),
        configuration=text(),
        locale=text(10),
        return_url=url(),
        unsupported="after_expiration customer_account flow_data on_behalf_of",
    ),
)
def create_session(unit: Unit, args: Json) -> Json:
    """Open the portal for a customer."""
    customer = customers.live(unit, args["customer"])
    if "configuration" in args:
        configuration = unit.load("billing_portal.configuration", args["configuration"], "configuration")["id"]
    else:
        configuration = _default(unit)
    session = unit.save(
        {
            "id": ids.long("bps"),
            "object": "billing_portal.session",
            "configuration": configuration,
            "created": unit.now,
            "customer": customer["id"],
            "flow": None,
            "livemode": False,
            "locale": args.get("locale"),
            "on_behalf_of": None,
            "return_url": args.get("return_url"),
        }
    )
    unit.emit("billing_portal.session.created", session)
    return unit.render(session)


def adopt_card(unit: Unit, intent: Json) -> None:
    """A card set on the portal becomes the customer's default, and that of the subscriptions that name one."""
    if not intent.get("_from_portal"):
        return
    chosen = intent["payment_method"]
    customer = unit.load("customer", intent["customer"])
    before = unit.render(customer)
    customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": chosen}
    unit.updated("customer.updated", customer, before)
    for subscription in unit.of("subscription", customer=customer["id"]):
        if subscription["default_payment_method"] and subscription["status"] not in ENDED:
            before = unit.render(subscription)
            subscription["default_payment_method"] = chosen
            unit.updated("customer.subscription.updated", subscription, before)


setup_intents.SUCCEEDED.append(adopt_card)
