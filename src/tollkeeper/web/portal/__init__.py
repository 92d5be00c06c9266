"""A customer's own pages: overview, usage, API keys, plan and billing. Owns no data."""

from fastapi import APIRouter

from . import addons, billing, changes, details, invoices, keys, methods, provider_pages, usage

router = APIRouter(include_in_schema=False)
for each in (usage, keys, billing, details, invoices, changes, addons, methods, provider_pages):
    router.include_router(each.router)

__all__ = ["router"]
