"""The addresses of billing, and what they take and answer."""

from . import invoices, methods
from .routes import router

for family in (invoices, methods):
    router.include_router(family.router)

__all__ = ["router"]
