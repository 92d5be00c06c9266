"""The addresses of billing, and what they take and answer."""

from . import (
    addons,
    explain,
    invoices,
    methods,
    offers,
    payments,
    tax,
)
from .invoices import pdf_response
from .routes import router

for family in (addons, explain, invoices, methods, offers, payments, tax):
    router.include_router(family.router)

__all__ = ["pdf_response", "router"]
