"""The addresses of this domain."""

from fastapi import APIRouter

from . import (
    audit,
    auth,
    customers,
    elsewhere,
    factors,
    invitations,
    keys,
    members,
    operator_keys,
    organizations,
    passwords,
    privacy,
    profile,
    proving,
    roles,
    scim,
    sso,
    staff,
)
from .answers import known_export, picture_response, zip_response
from .browsers import client_of, end_in_browser, own_session, set_session_cookie
from .entering import Arrival, begin_elsewhere, finish_elsewhere
from .factor_schemas import qr_image
from .flows import log_in, register
from .joining import join_by_invitation
from .keys import known_key, must_hold
from .party import party_of
from .password_flows import change_password, reset_password, want_address, want_reset, want_verification
from .person import person_of
from .proving import step_up, step_up_ways
from .second_step import SecondStep, begin_second_step, finish_second_step, log_in_by_passkey, waiting_step
from .sso import set_up as set_up_sso
from .sso import show_domain

router = APIRouter()
for _part in (
    auth,
    audit,
    proving,
    passwords,
    profile,
    factors,
    keys,
    operator_keys,
    privacy,
    organizations,
    members,
    invitations,
    roles,
    elsewhere,
    scim,
    sso,
    customers,
    staff,
):
    router.include_router(_part.router)

__all__ = [
    "Arrival",
    "SecondStep",
    "begin_elsewhere",
    "begin_second_step",
    "change_password",
    "client_of",
    "end_in_browser",
    "finish_elsewhere",
    "finish_second_step",
    "join_by_invitation",
    "known_export",
    "known_key",
    "log_in",
    "log_in_by_passkey",
    "must_hold",
    "own_session",
    "party_of",
    "person_of",
    "picture_response",
    "qr_image",
    "register",
    "reset_password",
    "router",
    "set_session_cookie",
    "set_up_sso",
    "show_domain",
    "step_up",
    "step_up_ways",
    "waiting_step",
    "want_address",
    "want_reset",
    "want_verification",
    "zip_response",
]
