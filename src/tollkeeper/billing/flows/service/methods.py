"""Ways to pay: listed, added on the provider's page, made the default, removed. The provider keeps them, we do not."""

from collections.abc import Sequence
from uuid import UUID

from tollkeeper.billing.customers import Customer, find_customer, get_customer
from tollkeeper.billing.flows.model import PaymentMethodInUseError, PaymentMethodNotFoundError
from tollkeeper.billing.provider import SavedMethod, Subject, lock, provider_of
from tollkeeper.billing.subscriptions import list_of_organization, meaning
from tollkeeper.catalog import list_prices
from tollkeeper.infra import Tx

from .webhooks import synchronise


async def list_payment_methods(tx: Tx, organization_id: UUID) -> Sequence[SavedMethod]:
    """Return the organization's ways to pay, the default one first; none when it never bought anything."""
    customer = await find_customer(tx, organization_id)
    return await provider_of(tx.runtime).list_payment_methods(customer.provider_id) if customer else []


async def add_payment_method(tx: Tx, organization_id: UUID, *, success_url: str, cancel_url: str) -> str:
    """Return the address of the page on which a way to pay is added.

    Raises:
        NoCustomerError: the organization never bought anything.
    """
    customer = await get_customer(tx, organization_id)
    prices = await list_prices(tx)
    currency = customer.balance.currency if customer.balance else prices[0].money.currency if prices else "usd"
    url = await provider_of(tx.runtime).open_setup(
        customer.provider_id, currency=currency, success_url=success_url, cancel_url=cancel_url
    )
    await tx.record("payment_method.page_opened", target=("customer", customer.id), organization_id=organization_id)
    return url


async def make_default(tx: Tx, organization_id: UUID, method_id: str) -> Sequence[SavedMethod]:
    """Have a way to pay used from now on, by the subscription too; returns all of them.

    Raises:
        NoCustomerError, PaymentMethodNotFoundError: there is no such way to pay.
    """
    customer, _ = await _own(tx, organization_id, method_id)
    running = await _running(tx, organization_id)
    await provider_of(tx.runtime).make_default(customer.provider_id, method_id, running)
    for each in running:
        await synchronise(tx, Subject(customer_id=customer.provider_id, subscription_id=each), cause="payment method")
    await synchronise(tx, Subject(customer_id=customer.provider_id), cause="payment method")
    await tx.record(
        "payment_method.made_default", target=("payment_method", method_id), organization_id=organization_id
    )
    return await provider_of(tx.runtime).list_payment_methods(customer.provider_id)


async def remove_payment_method(tx: Tx, organization_id: UUID, method_id: str) -> None:
    """Forget a way to pay.

    Raises:
        NoCustomerError, PaymentMethodNotFoundError: there is no such way to pay.
        PaymentMethodInUseError: it is the default, or the only one, and a subscription is paid with it.
    """
    customer, methods = await _own(tx, organization_id, method_id)
    used = len(methods) == 1 or any(each.is_default for each in methods if each.id == method_id)
    if used and await _running(tx, organization_id):
        raise PaymentMethodInUseError
    await provider_of(tx.runtime).remove_payment_method(method_id)
    await tx.record("payment_method.removed", target=("payment_method", method_id), organization_id=organization_id)
    await synchronise(tx, Subject(customer_id=customer.provider_id), cause="payment method")


async def _own(tx: Tx, organization_id: UUID, method_id: str) -> tuple[Customer, Sequence[SavedMethod]]:
    """Lock the customer and return it with its ways to pay, `method_id` among them."""
    customer = await find_customer(tx, organization_id)
    if customer is None:
        raise PaymentMethodNotFoundError
    await lock(tx, Subject(customer_id=customer.provider_id).lock)
    methods = await provider_of(tx.runtime).list_payment_methods(customer.provider_id)
    if all(each.id != method_id for each in methods):
        raise PaymentMethodNotFoundError
    return customer, methods


async def _running(tx: Tx, organization_id: UUID) -> list[str]:
    found = await list_of_organization(tx, organization_id)
    return [each.provider_id for each in found if not meaning(each.status).over]
