"""What pages are made of: templates, components, form safety, the security policy and the built assets."""

from .files import asset
from .files import router as static_router
from .forms import FormState, StaleFormError, empty_form, read_form, refused_form, safe_next
from .plans import PlanCard, amount, cards, chosen_interval, comparison, exact, inline, saving
from .render import (
    DemoLogin,
    Site,
    base_url_of,
    error_page,
    go,
    is_logged_in,
    leave,
    login_redirect,
    page,
    security_policy,
    site_of,
)

__all__ = [
    "DemoLogin",
    "FormState",
    "PlanCard",
    "Site",
    "StaleFormError",
    "amount",
    "asset",
    "base_url_of",
    "cards",
    "chosen_interval",
    "comparison",
    "empty_form",
    "error_page",
    "exact",
    "go",
    "inline",
    "is_logged_in",
    "leave",
    "login_redirect",
    "page",
    "read_form",
    "refused_form",
    "safe_next",
    "saving",
    "security_policy",
    "site_of",
    "static_router",
]
