"""The catalogue: what is for sale, at what price, and what it allows. Data, applied from a YAML file.

Owns: features, plans, prices, the entitlements and request rates of each plan, what usage beyond a soft limit costs,
add-ons and what they add to a plan, coupons, promotion codes and trials (`offers`), and every file that was applied
(`versions`).
Does not own: who has which plan (billing), what that leaves them to use (gate), how usage is counted (metering).
Invariants: exactly one plan is the default one, and it has no price; a price never changes but for being withdrawn,
so that a changed amount is a new price, and so it is with a charge for usage; nothing is deleted, since subscriptions
still point to archived plans; a file is applied whole or not at all.
What each time means: `archived_at` is since when nobody can buy the thing; those who have it keep it. A charge for
usage holds from its `created_at` until its `archived_at`, for new and old subscribers; which version a period is
charged by is billing's to choose with `overage_in_force`.
"""

from .addons import Source, entitled, find_addon, list_addon_prices, sources_of
from .checks import one_default_plan
from .http import router
from .model import (
    CALENDAR,
    CALENDAR_ANCHOR,
    Addon,
    AddonNotFoundError,
    AddonPrice,
    Catalogue,
    CatalogueChanged,
    CatalogueFileError,
    Change,
    ChangeKind,
    Entitlement,
    EntitlementPeriod,
    Feature,
    FeatureKind,
    Grant,
    NoDefaultPlanError,
    Plan,
    PlanNotFoundError,
    Price,
)
from .offers import (
    CodeTerms,
    Coupon,
    CouponTerms,
    Duration,
    PromotionCode,
    PromotionCodeError,
    Trial,
    TrialEnd,
    coupon_in_words,
    find_code,
    list_codes,
    list_coupons,
    takes_codes,
    why_not,
)
from .rules import in_words
from .service import apply, default_plan_key, demo_catalogue, diff, get_plan, list_plans, load_catalogue
from .spec import CatalogueSpec, read_catalogue_file
from .spec_limits import period_in_words, window_in_words
from .store import find_overage_price, list_prices, overage_in_force, plan_names
from .versions import (
    CatalogueMovedError,
    CatalogueVersion,
    VersionNotFoundError,
    get_version,
    latest_version,
    line_changes,
    list_versions,
    must_be_latest,
    words_of_file,
)

__all__ = [
    "CALENDAR",
    "CALENDAR_ANCHOR",
    "Addon",
    "AddonNotFoundError",
    "AddonPrice",
    "Catalogue",
    "CatalogueChanged",
    "CatalogueFileError",
    "CatalogueMovedError",
    "CatalogueSpec",
    "CatalogueVersion",
    "Change",
    "ChangeKind",
    "CodeTerms",
    "Coupon",
    "CouponTerms",
    "Duration",
    "Entitlement",
    "EntitlementPeriod",
    "Feature",
    "FeatureKind",
    "Grant",
    "NoDefaultPlanError",
    "Plan",
    "PlanNotFoundError",
    "Price",
    "PromotionCode",
    "PromotionCodeError",
    "Source",
    "Trial",
    "TrialEnd",
    "VersionNotFoundError",
    "apply",
    "coupon_in_words",
    "default_plan_key",
    "demo_catalogue",
    "diff",
    "entitled",
    "find_addon",
    "find_code",
    "find_overage_price",
    "get_plan",
    "get_version",
    "in_words",
    "latest_version",
    "line_changes",
    "list_addon_prices",
    "list_codes",
    "list_coupons",
    "list_plans",
    "list_prices",
    "list_versions",
    "load_catalogue",
    "must_be_latest",
    "one_default_plan",
    "overage_in_force",
    "period_in_words",
    "plan_names",
    "read_catalogue_file",
    "router",
    "sources_of",
    "takes_codes",
    "why_not",
    "window_in_words",
    "words_of_file",
]
