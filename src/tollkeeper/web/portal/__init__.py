"""A customer's own pages: overview, usage, API keys, plan and billing. Owns no data."""

from fastapi import APIRouter

from . import billing, keys, usage

router = APIRouter(include_in_schema=False)
for each in (usage, keys, billing):
    router.include_router(each.router)

__all__ = ["router"]
