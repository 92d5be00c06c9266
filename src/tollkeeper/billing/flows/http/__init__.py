"""The addresses of billing, and what they take and answer."""

from .routes import router

__all__ = ["router"]
