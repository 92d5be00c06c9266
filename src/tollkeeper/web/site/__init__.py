"""The public pages: home, pricing, sign-up, log-in, the API reference. Owns no data."""

from . import account, http

routers = [http.router, account.router]

__all__ = ["routers"]
