"""A customer's own pages: overview, usage, API keys, plan and billing. Owns no data."""

from fastapi import APIRouter

from . import (
    addons,
    billing,
    changes,
    details,
    invoices,
    keys,
    methods,
    pausing,
    promotions,
    provider_pages,
    returning,
    usage,
)

router = APIRouter(include_in_schema=False)
_PAGES = (
    usage,
    keys,
    billing,
    details,
    invoices,
    changes,
    addons,
    pausing,
    returning,
    promotions,
    methods,
    provider_pages,
)
for each in _PAGES:
    router.include_router(each.router)

__all__ = ["router"]
