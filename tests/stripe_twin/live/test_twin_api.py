import threading

import httpx
import pytest
import stripe

from stripe_twin.core.version import API_VERSION

from .conftest import Shop, TwinProcess


def error(answer: httpx.Response) -> dict[str, object]:
    body: dict[str, dict[str, object]] = answer.json()
    return body["error"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (None, "You did not provide an API key"),
        ("sk_live_51abc", "refuses live keys"),
        ("pk_test_abc", "Invalid API Key provided: pk_test_"),
        ("nonsense", "Invalid API Key provided"),
    ],
)
def test_only_secret_test_keys_are_let_in(twin: TwinProcess, key: str | None, words: str) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = httpx.get(f"{twin.base}/v1/customers", headers=headers)
    assert answer.status_code == 401
    assert words in str(error(answer)["message"])
    assert error(answer)["type"] == "invalid_request_error"
    assert answer.headers["request-id"].startswith("req_")


def test_restricted_keys_and_basic_authentication_are_let_in(twin: TwinProcess) -> None:
    assert twin.client("rk_test_1").v1.customers.list({"limit": 1}).url == "/v1/customers"
    assert httpx.get(f"{twin.base}/v1/customers", auth=("sk_test_1", "")).status_code == 200


def test_a_live_key_is_an_authentication_error_for_the_sdk(twin: TwinProcess) -> None:
    with pytest.raises(stripe.AuthenticationError, match="live key"):
        twin.client("sk_live_1").v1.customers.list()


def test_another_api_version_is_refused_and_ours_is_echoed(twin: TwinProcess) -> None:
    old = twin.raw("GET", "/v1/customers", headers={"Stripe-Version": "2020-08-27"})
    assert old.status_code == 400
    assert "2020-08-27" in str(error(old)["message"])
    assert twin.raw("GET", "/v1/customers").headers["stripe-version"] == API_VERSION == stripe.api_version


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_unknown_address_is_named(twin: TwinProcess, method: str) -> None:
    answer = twin.raw(method, "/v1/nothing/here")
    assert answer.status_code == 404
    assert f"Unrecognized request URL ({method}: /v1/nothing/here)" in str(error(answer)["message"])


@pytest.mark.parametrize(
    ("path", "form", "code", "param"),
    [
        ("/v1/customers", {"bogus": "1"}, "parameter_unknown", "bogus"),
        ("/v1/customers", {"address[planet]": "x"}, "parameter_unknown", "address[planet]"),
        ("/v1/products", {}, "parameter_missing", "name"),
        ("/v1/products", {"name": ""}, "parameter_invalid_empty", "name"),
        ("/v1/customers", {"balance": "much"}, "parameter_invalid_integer", "balance"),
        ("/v1/products", {"name": "x", "active": "maybe"}, "parameter_invalid_boolean", "active"),
        ("/v1/checkout/sessions", {"mode": "gift"}, None, "mode"),
        ("/v1/checkout/sessions", {"payment_method_types[0]": "card"}, "parameter_unknown", "payment_method_types"),
        ("/v1/subscriptions", {"customer": "cus_x", "items": "x"}, None, "items"),
        ("/v1/subscriptions", {"customer": "cus_x", "items[0][price]": "p"}, "resource_missing", "customer"),
    ],
)
def test_wrong_parameters_are_named(
    twin: TwinProcess, path: str, form: dict[str, str], code: str | None, param: str
) -> None:
    answer = twin.raw("POST", path, data=form)
    assert answer.status_code == 400
    assert error(answer)["type"] == "invalid_request_error"
    assert error(answer).get("code") == code
    assert error(answer)["param"] == param


def test_what_stripe_takes_and_the_twin_does_not_is_said_so(twin: TwinProcess) -> None:
    answer = twin.raw("POST", "/v1/customers", data={"tax_id_data[0][type]": "eu_vat"})
    assert error(answer)["code"] == "twin_unsupported_parameter"


def test_json_bodies_and_huge_bodies_are_refused(twin: TwinProcess) -> None:
    assert twin.raw("POST", "/v1/customers", json={"email": "a@b.c"}).status_code == 400
    huge = twin.raw("POST", "/v1/customers", data={"description": "x" * 1_100_000})
    assert huge.status_code == 413


def test_a_missing_object_is_resource_missing(twin: TwinProcess) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        twin.v1.prices.retrieve("price_nope")
    assert caught.value.http_status == 404
    assert caught.value.code == "resource_missing"
    assert caught.value.user_message == "No such price: 'price_nope'"


def test_expansion_reaches_into_objects_and_lists(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": shop.price().id}],
            "expand": ["latest_invoice.confirmation_secret", "latest_invoice.payments", "customer"],
        }
    ).to_dict()
    assert made["customer"]["email"] == "mara@example.com"
    assert made["latest_invoice"]["confirmation_secret"]["client_secret"].startswith("pi_")
    assert made["latest_invoice"]["payments"]["data"][0]["status"] == "paid"
    listed = shop.v1.subscriptions.list(
        {"customer": customer.id, "expand": ["data.items.data.price.product", "data.latest_invoice"]}
    ).to_dict()["data"][0]
    assert listed["items"]["data"][0]["price"]["product"]["name"] == "Pro"
    assert listed["latest_invoice"]["status"] == "paid"


def test_unexpanded_fields_stay_ids_and_includable_ones_stay_away(shop: Shop) -> None:
    customer = shop.customer()
    shop.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.price().id}]})
    invoice = shop.v1.invoices.list({"customer": customer.id}).data[0].to_dict()
    assert invoice["customer"] == customer.id
    assert "payments" not in invoice
    assert "confirmation_secret" not in invoice


@pytest.mark.parametrize("path", ["email", "nonsense", "invoice_settings.x", "a.b.c.d.e"])
def test_what_cannot_be_expanded_is_refused(shop: Shop, path: str) -> None:
    customer = shop.customer(card=None)
    with pytest.raises(stripe.InvalidRequestError, match="expand"):
        shop.v1.customers.retrieve(customer.id, {"expand": [path]})


def test_lists_page_in_both_directions(own_shop: Shop) -> None:
    made = [own_shop.v1.customers.create({"email": f"{n}@example.com"}).id for n in range(5)]
    newest_first = made[::-1]
    first = own_shop.v1.customers.list({"limit": 2})
    assert [c.id for c in first.data] == newest_first[:2]
    assert first.has_more is True
    second = own_shop.v1.customers.list({"limit": 2, "starting_after": first.data[-1].id})
    assert [c.id for c in second.data] == newest_first[2:4]
    back = own_shop.v1.customers.list({"limit": 1, "ending_before": second.data[0].id})
    assert [c.id for c in back.data] == [newest_first[1]]
    assert [c.id for c in own_shop.v1.customers.list({"limit": 2}).auto_paging_iter()] == newest_first
    found = own_shop.v1.customers.search({"query": "email:'3@example.com'"}).data
    assert [c.id for c in found] == [made[3]]


def test_an_idempotency_key_replays_the_answer(twin: TwinProcess) -> None:
    first, second = (
        twin.raw("POST", "/v1/customers", data={"email": "i@example.com"}, headers={"Idempotency-Key": "same"})
        for _ in range(2)
    )
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"] != second.headers["request-id"]
    assert "idempotent-replayed" not in first.headers


def test_an_idempotency_key_with_other_parameters_or_path_is_refused(twin: TwinProcess) -> None:
    headers = {"Idempotency-Key": "once"}
    twin.raw("POST", "/v1/customers", data={"email": "i@example.com"}, headers=headers)
    for path, form in (("/v1/customers", {"email": "j@example.com"}), ("/v1/products", {"name": "x"})):
        answer = twin.raw("POST", path, data=form, headers=headers)
        assert answer.status_code == 400
        assert error(answer)["type"] == "idempotency_error"


def test_a_refused_request_does_not_use_up_its_idempotency_key(twin: TwinProcess) -> None:
    headers = {"Idempotency-Key": "second-chance"}
    assert twin.raw("POST", "/v1/products", data={}, headers=headers).status_code == 400
    assert twin.raw("POST", "/v1/products", data={"name": "x"}, headers=headers).status_code == 200


def test_the_same_idempotency_key_at_the_same_time_is_a_conflict(own_twin: TwinProcess) -> None:
    httpx.post(f"{own_twin.base}/_twin/latency", json={"seconds": 1})
    answers: list[int] = []

    def call() -> None:
        answer = own_twin.raw("POST", "/v1/customers", data={}, headers={"Idempotency-Key": "race"})
        answers.append(answer.status_code)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409]


def test_a_declined_payment_is_replayed_too(shop: Shop) -> None:
    form = {"amount": "500", "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": "true"}
    bodies = [
        shop.twin.raw("POST", "/v1/payment_intents", data=form, headers={"Idempotency-Key": "decline"}).json()
        for _ in range(2)
    ]
    assert bodies[0] == bodies[1]
    assert bodies[0]["error"]["decline_code"] == "generic_decline"


def test_invoice_items_are_listed_by_the_moment_they_were_made(shop: Shop) -> None:
    customer = shop.customer().id
    made = shop.v1.invoice_items.create({"customer": customer, "amount": 5, "currency": "usd"})
    listed = shop.v1.invoice_items.list({"customer": customer, "created": {"gte": made.date}})
    assert [each.id for each in listed.data] == [made.id]
    assert shop.v1.invoice_items.list({"customer": customer, "created": {"lt": made.date}}).data == []
