"""The payment provider in our own words: the port, the Stripe adapter, and where our catalogue stands there.

Owns: the `PaymentProvider` port and its values, the only code that knows Stripe's vocabulary, the check of signatures,
the ids of our prices at the provider. Does not own: customers, subscriptions, invoices, and when to ask for them.
Invariants: no value or error of the SDK leaves this package; a price of ours has one price at each provider account.
What each time means: all are the provider's own, in UTC; `pushed_at` is ours.
"""

from .edge import provider_transaction
from .lists import Listed, NamedCustomer, ProviderLists, SoldPrice, lists_of
from .model import (
    CancelAt,
    CheckoutState,
    CheckoutStatus,
    CheckoutWish,
    CustomerState,
    InvoiceLine,
    InvoiceState,
    PaymentFailedError,
    PaymentMethod,
    PaymentProvider,
    PendingState,
    Preview,
    PriceAtProvider,
    ProviderCredentialsError,
    ProviderEvent,
    ProviderMissingError,
    ProviderRefusedError,
    ProviderStateError,
    ProviderUnavailableError,
    SavedMethod,
    Subject,
    SubscriptionState,
    Target,
    ThinEventError,
    UnreadableEventError,
)
from .service import (
    account_of,
    plan_price_of,
    price_at_provider,
    provider_of,
    push_catalogue,
    push_price,
)
from .signature import (
    TOLERANCE,
    WebhookFutureError,
    WebhookSecrets,
    WebhookSignatureError,
    WebhookStaleError,
    WebhookUnsignedError,
    verify,
)
from .store import lock
from .stripe import API_VERSION, StripeProvider
from .stripe_lists import StripeLists
from .stripe_read import HANDLED

__all__ = [
    "API_VERSION",
    "HANDLED",
    "TOLERANCE",
    "CancelAt",
    "CheckoutState",
    "CheckoutStatus",
    "CheckoutWish",
    "CustomerState",
    "InvoiceLine",
    "InvoiceState",
    "Listed",
    "NamedCustomer",
    "PaymentFailedError",
    "PaymentMethod",
    "PaymentProvider",
    "PendingState",
    "Preview",
    "PriceAtProvider",
    "ProviderCredentialsError",
    "ProviderEvent",
    "ProviderLists",
    "ProviderMissingError",
    "ProviderRefusedError",
    "ProviderStateError",
    "ProviderUnavailableError",
    "SavedMethod",
    "SoldPrice",
    "StripeLists",
    "StripeProvider",
    "Subject",
    "SubscriptionState",
    "Target",
    "ThinEventError",
    "UnreadableEventError",
    "WebhookFutureError",
    "WebhookSecrets",
    "WebhookSignatureError",
    "WebhookStaleError",
    "WebhookUnsignedError",
    "account_of",
    "lists_of",
    "lock",
    "plan_price_of",
    "price_at_provider",
    "provider_of",
    "provider_transaction",
    "push_catalogue",
    "push_price",
    "verify",
]
