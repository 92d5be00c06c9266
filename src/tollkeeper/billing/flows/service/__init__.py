"""Use cases of the flows."""

from .addons import addons_beside, list_addons, preview_addon, set_addon
from .changes import cancel, cancel_change, change_plan, preview_change, resume
from .checkout import create_checkout, open_portal
from .disputes import (
    accept_dispute,
    give_evidence,
    let_go,
)
from .documents import document_to_print, file_name, invoice_pdf
from .explain import explain_invoice
from .failing import give_time, give_up, retry_payment, take_dunning_steps
from .leaving import forget_person, part_with
from .methods import add_payment_method, list_payment_methods, make_default, remove_payment_method
from .offers import apply_promotion, preview_promotion, remove_promotion
from .overview import overview
from .pauses import longest_pause, pause, preview_unpause, unpause
from .reactivating import last_ended, preview_reactivation, reactivate
from .refunds import (
    credit,
    refund,
)
from .standing import payment_standing
from .tax import add_tax_id, billing_details, change_details, list_tax_ids, remove_tax_id
from .trials import end_trial, extend_period, extend_trial, wake_after_trial
from .webhooks import (
    failed_events,
    find_received,
    list_received,
    process_event,
    read_delivery,
    reopen,
    synchronise,
    take_in,
)

__all__ = [
    "accept_dispute",
    "add_payment_method",
    "add_tax_id",
    "addons_beside",
    "apply_promotion",
    "billing_details",
    "cancel",
    "cancel_change",
    "change_details",
    "change_plan",
    "create_checkout",
    "credit",
    "document_to_print",
    "end_trial",
    "explain_invoice",
    "extend_period",
    "extend_trial",
    "failed_events",
    "file_name",
    "find_received",
    "forget_person",
    "give_evidence",
    "give_time",
    "give_up",
    "invoice_pdf",
    "last_ended",
    "let_go",
    "list_addons",
    "list_payment_methods",
    "list_received",
    "list_tax_ids",
    "longest_pause",
    "make_default",
    "open_portal",
    "overview",
    "part_with",
    "pause",
    "payment_standing",
    "preview_addon",
    "preview_change",
    "preview_promotion",
    "preview_reactivation",
    "preview_unpause",
    "process_event",
    "reactivate",
    "read_delivery",
    "refund",
    "remove_payment_method",
    "remove_promotion",
    "remove_tax_id",
    "reopen",
    "resume",
    "retry_payment",
    "set_addon",
    "synchronise",
    "take_dunning_steps",
    "take_in",
    "unpause",
    "wake_after_trial",
]
