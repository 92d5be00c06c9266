"""The public pages: home, pricing, sign-up, log-in, the API reference. Owns no data."""

from .http import router

__all__ = ["router"]
