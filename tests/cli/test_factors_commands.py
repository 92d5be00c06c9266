"""Second factors taken off somebody who lost them all."""

from datetime import UTC, datetime

import pyotp

from tollkeeper.identity import begin_totp, confirm_totp, factors_of, register_user
from tollkeeper.infra import Runtime, Sought, search_trail

from .test_commands import tollkeeper


async def test_who_lost_everything_is_let_in_by_the_password_again(runtime: Runtime, clean_database: str) -> None:
    where = {"DATABASE_URL": clean_database}
    async with runtime.transaction() as tx:
        ada = await register_user(tx, email="ada@example.com", password_hash=None, name="Ada")
        secret = (await begin_totp(tx, ada.id, ada.email)).secret
        assert await confirm_totp(tx, ada.id, pyotp.TOTP(secret).at(tx.now)) is not None
    code, out, _ = tollkeeper("factors", "remove", "Ada@example.com", "--yes", **where)
    assert (code, out) == (0, "The password alone lets Ada@example.com in.\n")
    async with runtime.transaction() as tx:
        left = await factors_of(tx, ada.id)
        (record,) = (await search_trail(tx, Sought(action="factors.removed"))).data
    assert (left.enrolled, left.recovery_codes_left) == (False, 0)
    assert (record.origin.via, record.at < datetime.now(UTC)) == ("command factors remove", True)
    assert "had no second factor" in tollkeeper("factors", "remove", "ada@example.com", "--yes", **where)[1]
    assert tollkeeper("factors", "remove", "nobody@example.com", "--yes", **where)[0] == 1
