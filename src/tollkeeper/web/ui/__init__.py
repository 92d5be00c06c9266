"""What pages are made of: templates, components, form safety, the security policy and the built assets."""

from tollkeeper.infra import base_url_of

from .advice import advice, said
from .attempts import end_attempt, keep_attempt, kept_attempt
from .charts import Point, Trend
from .files import asset
from .files import router as static_router
from .forms import FormState, StaleFormError, empty_form, gathered, read_form, refused_form, safe_next
from .live import Live, live
from .locale import ago, amount, compact, countries, exact, number, percent, written_for
from .look import router as look_router
from .passkeys import passkey_answer, passkey_question
from .plans import PlanCard, cards, chosen_interval, comparison, inline, saving
from .render import (
    DemoLogin,
    Site,
    error_page,
    go,
    is_logged_in,
    leave,
    login_redirect,
    page,
    part,
    remember_theme,
    security_policy,
    site_of,
)
from .showcase import router as components_router
from .tables import Asked, Column, Filter, Option, ShownTable, Table
from .toasts import Toast, toast
from .trails import TrailRow, day_of, trail_rows

__all__ = [
    "Asked",
    "Column",
    "DemoLogin",
    "Filter",
    "FormState",
    "Live",
    "Option",
    "PlanCard",
    "Point",
    "ShownTable",
    "Site",
    "StaleFormError",
    "Table",
    "Toast",
    "TrailRow",
    "Trend",
    "advice",
    "ago",
    "amount",
    "asset",
    "base_url_of",
    "cards",
    "chosen_interval",
    "compact",
    "comparison",
    "components_router",
    "countries",
    "day_of",
    "empty_form",
    "end_attempt",
    "error_page",
    "exact",
    "gathered",
    "go",
    "inline",
    "is_logged_in",
    "keep_attempt",
    "kept_attempt",
    "leave",
    "live",
    "login_redirect",
    "look_router",
    "number",
    "page",
    "part",
    "passkey_answer",
    "passkey_question",
    "percent",
    "read_form",
    "refused_form",
    "remember_theme",
    "safe_next",
    "said",
    "saving",
    "security_policy",
    "site_of",
    "static_router",
    "toast",
    "trail_rows",
    "written_for",
]
