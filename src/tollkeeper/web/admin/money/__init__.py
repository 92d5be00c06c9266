"""The money side of the admin: the catalogue and its versions, subscriptions, invoices, payments, disputes, dunning.

Owns no data. What is kept, and what an act does, is the catalogue's and billing's to say.
"""

from fastapi import APIRouter

from . import applying, catalogue, disputes, dunning, editing, invoice, lists, subscription

router = APIRouter()
for each in (catalogue, editing, applying, lists, subscription, invoice, disputes, dunning):
    router.include_router(each.router)

__all__ = ["router"]
