"""Billing: who bought what, what was charged for it, and the way to and from the payment provider.

Owns: customers at the provider, subscriptions, invoices, the provider's events; the port to the provider.
Does not own: what plans allow (catalog), what was used (metering), whether a call passes (gate).
Invariants: the provider is the authority, our tables mirror its last answers; an event is a hint, verified before it is
stored and stored before it is answered; a history of events ends in the same state in any order and number; an
organization has one customer and one subscription that is not over.
What each time means: periods are half-open and the provider's; `*_at` of mirrored things is the provider's, `synced_at`
and `received_at` are ours.

What a subscription's status means for the plan (`MEANINGS`):

    trialing, active                        the plan may be used
    past_due                                the plan may be used until the dunning schedule withholds it
    incomplete, unpaid, paused, any other   not used, but not over: no second subscription is sold
    canceled, incomplete_expired            over: back to the default plan

Rooms: `provider` (the port and Stripe), `customers`, `subscriptions`, `invoices`, `dunning` (failing payments),
`overage` (usage beyond limits), `flows` (buying, managing, webhooks).
"""

from tollkeeper.catalog import CatalogueChanged
from tollkeeper.infra import Event, Job

from .customers import Customer, NoCustomerError
from .dunning import (
    AccessRestricted,
    CardExpiring,
    DunningStepReached,
    PaymentFailed,
    PaymentRecovered,
    machine_as_mermaid,
    read_schedule,
)
from .flows import (
    AlreadySubscribedError,
    Buyer,
    Change,
    ChangeAt,
    ChangeToComeError,
    EventStatus,
    NoTrialError,
    OpenedCheckout,
    Overview,
    PaymentMethodNeededError,
    PlanNotPurchasableError,
    PreviewedChange,
    Purchase,
    StoredEvent,
    UsageReport,
    apply_promotion,
    cancel,
    cancel_change,
    change_plan,
    create_checkout,
    end_trial,
    enqueue,
    extend_trial,
    list_events,
    open_portal,
    overview,
    preview_change,
    preview_promotion,
    process_event,
    push_catalogue,
    remove_promotion,
    resume,
    router,
    wake_after_trial,
)
from .flows import jobs as flow_jobs
from .invoices import Invoice, InvoiceNotFoundError, get_invoice, list_invoices
from .overage import UsageCharged, UsageNotPriced
from .overage import jobs as usage_jobs
from .payments import (
    DisputeClosed,
    DisputeEvidenceDue,
    DisputeOpened,
    RefundFailed,
    RefundMade,
    payments_of_invoice,
)
from .provider import (
    CancelAt,
    DiscountState,
    InvoiceLine,
    PaymentFailedError,
    PaymentMethod,
    PaymentProvider,
    Preview,
    ProviderRefusedError,
    ProviderUnavailableError,
    StripeProvider,
    WebhookSecrets,
    provider_transaction,
)
from .reconcile import Difference, Imported, catch_up, import_account, next_due, reconcile
from .reconcile import jobs as comparing
from .service import close, ensure_webhook_endpoint, provide, provider_circuit, provider_problem
from .subscriptions import (
    MEANINGS,
    EntitlementsChanged,
    NoSubscriptionError,
    Standing,
    Status,
    Subscription,
    SubscriptionEnded,
    Transition,
    TrialEnding,
    find_standing,
    history,
    status,
)

jobs: list[Job] = [*flow_jobs, *comparing, *usage_jobs]
reactions: dict[type[Event], Job] = {CatalogueChanged: push_catalogue}

__all__ = [
    "MEANINGS",
    "AccessRestricted",
    "AlreadySubscribedError",
    "Buyer",
    "CancelAt",
    "CardExpiring",
    "Change",
    "ChangeAt",
    "ChangeToComeError",
    "Customer",
    "Difference",
    "DiscountState",
    "DisputeClosed",
    "DisputeEvidenceDue",
    "DisputeOpened",
    "DunningStepReached",
    "EntitlementsChanged",
    "EventStatus",
    "Imported",
    "Invoice",
    "InvoiceLine",
    "InvoiceNotFoundError",
    "NoCustomerError",
    "NoSubscriptionError",
    "NoTrialError",
    "OpenedCheckout",
    "Overview",
    "PaymentFailed",
    "PaymentFailedError",
    "PaymentMethod",
    "PaymentMethodNeededError",
    "PaymentProvider",
    "PaymentRecovered",
    "PlanNotPurchasableError",
    "Preview",
    "PreviewedChange",
    "ProviderRefusedError",
    "ProviderUnavailableError",
    "Purchase",
    "RefundFailed",
    "RefundMade",
    "Standing",
    "Status",
    "StoredEvent",
    "StripeProvider",
    "Subscription",
    "SubscriptionEnded",
    "Transition",
    "TrialEnding",
    "UsageCharged",
    "UsageNotPriced",
    "UsageReport",
    "WebhookSecrets",
    "apply_promotion",
    "cancel",
    "cancel_change",
    "catch_up",
    "change_plan",
    "close",
    "create_checkout",
    "end_trial",
    "enqueue",
    "ensure_webhook_endpoint",
    "extend_trial",
    "find_standing",
    "get_invoice",
    "history",
    "import_account",
    "jobs",
    "list_events",
    "list_invoices",
    "machine_as_mermaid",
    "next_due",
    "open_portal",
    "overview",
    "payments_of_invoice",
    "preview_change",
    "preview_promotion",
    "process_event",
    "provide",
    "provider_circuit",
    "provider_problem",
    "provider_transaction",
    "push_catalogue",
    "reactions",
    "read_schedule",
    "reconcile",
    "remove_promotion",
    "resume",
    "router",
    "status",
    "wake_after_trial",
]
