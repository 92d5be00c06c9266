"""The addresses of billing, and what they take and answer."""

from . import (
    explain,
    invoices,
    methods,
    offers,
    payments,
)
from .routes import router

for family in (explain, invoices, methods, offers, payments):
    router.include_router(family.router)

__all__ = ["router"]
