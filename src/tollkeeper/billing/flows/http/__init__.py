"""The addresses of billing, and what they take and answer."""

from . import methods
from .routes import router

router.include_router(methods.router)

__all__ = ["router"]
