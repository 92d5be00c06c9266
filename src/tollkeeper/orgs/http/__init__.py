"""The addresses of this domain."""

from fastapi import APIRouter

from . import auth, customers, keys, profile
from .flows import clear_session_cookie, client_of, log_in, register, set_session_cookie

router = APIRouter()
for _part in (auth, profile, keys, customers):
    router.include_router(_part.router)

__all__ = ["clear_session_cookie", "client_of", "log_in", "register", "router", "set_session_cookie"]
