"""The addresses of billing, and what they take and answer."""

from . import (
    addons,
    explain,
    invoices,
    methods,
    offers,
    pauses,
    payments,
    tax,
)
from .invoices import pdf_response
from .routes import router

for family in (addons, explain, invoices, methods, offers, pauses, payments, tax):
    router.include_router(family.router)

__all__ = ["pdf_response", "router"]
