"""Addresses about the caller's own person."""

from uuid import UUID

from fastapi import APIRouter

from tollkeeper.identity import change_profile, check_time_zone, get_user
from tollkeeper.infra import ActorDep, TxDep
from tollkeeper.kit import Actor, FieldProblem, InvalidInputError
from tollkeeper.orgs.model import PersonNeededError

from .schemas import ProfileBody, UserOut

router = APIRouter(prefix="/profile", tags=["People"])


@router.get("", summary="Read the own profile")
async def read_profile(tx: TxDep, actor: ActorDep) -> UserOut:
    """Return the caller's own profile."""
    return UserOut.of(await get_user(tx, _person(actor)))


@router.patch("", summary="Change the own profile")
async def edit_profile(body: ProfileBody, tx: TxDep, actor: ActorDep) -> UserOut:
    """Change the fields sent; the others stay as they are."""
    user_id = _person(actor)
    nulls = [name for name in sorted(body.model_fields_set) if getattr(body, name) is None]
    if nulls:
        raise InvalidInputError([FieldProblem(name, "must not be null; leave it out to keep it") for name in nulls])
    time_zone = check_time_zone(body.time_zone) if body.time_zone is not None else None
    return UserOut.of(await change_profile(tx, user_id, name=body.name, time_zone=time_zone))


def _person(actor: Actor) -> UUID:
    if actor.user_id is None:
        raise PersonNeededError
    return actor.user_id
