"""What is left out of the gates, each case with its reason. A case that passes must not stand here."""

_COUNTRY = "payment method of another country, which nobody here sells with"
_SOURCES = "sources and cards as sources, retired in favour of payment methods"
_STREAM = "the stream of meter events, an interface of its own (v2) that reports errors as thin events"

LEFT_OUT: dict[str, dict[str, str]] = {
    "scenarios": {
        "test_stripe_saves_acss_debit": _COUNTRY,
        "test_stripe_saves_alipay": _COUNTRY,
        "test_stripe_saves_bancontact": _COUNTRY,
        "test_stripe_saves_fpx": _COUNTRY,
        "test_stripe_saves_ideal": _COUNTRY,
        "test_stripe_saves_p24": _COUNTRY,
        "test_stripe_saves_sofort": _COUNTRY,
    },
    "prorations": {},
    "triggers": {
        "customer.source.created": _SOURCES,
        "customer.source.updated": _SOURCES,
        "payment_intent.partially_funded": "bank transfers in Japan: " + _COUNTRY,
        "subscription_schedule.expiring": "its recipe stops nine days before the end; Stripe announces it seven before",
        "v1.billing.meter.error_report_triggered": _STREAM,
        "v1.billing.meter.no_meter_found": _STREAM,
    },
    "probe": {},
    "schema": {},
}
