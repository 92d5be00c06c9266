"""What pages are made of: templates, components, form safety, the security policy and the built assets."""

from .files import asset
from .files import router as static_router
from .forms import FormState, StaleFormError, empty_form, read_form, refused_form, safe_next
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
    "Site",
    "StaleFormError",
    "asset",
    "base_url_of",
    "empty_form",
    "error_page",
    "go",
    "is_logged_in",
    "leave",
    "login_redirect",
    "page",
    "read_form",
    "refused_form",
    "safe_next",
    "security_policy",
    "site_of",
    "static_router",
]
