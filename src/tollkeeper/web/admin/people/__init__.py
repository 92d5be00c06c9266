"""People and organizations: finding them, their whole story on one page, and what staff do for them."""

from fastapi import APIRouter

from . import acts, extending, impersonation, lists, notes, organization, person, plan, search

router = APIRouter()
for each in (search, lists, organization, person, notes, acts, extending, plan, impersonation):
    router.include_router(each.router)

__all__ = ["router"]
