"""How the gate says no, and what its answers say of quotas in their headers."""

from tollkeeper.infra import pairs

from .model import Access, Allowance, Balance, QuotaExceededError, Share, offer_document


def _made_of(access: Access, allowance: Allowance) -> str:
    """Say whose limit it is: `the Pro plan`, `the Pro plan with 2 Extra prompts`."""
    beside = " and ".join(f"{each.quantity} {each.name}" for each in allowance.sources if each.addon is not None)
    return f"the {access.purchase.plan_name} plan" + (f" with {beside}" if beside else "")


def quota_exceeded(access: Access, balance: Balance, requested: int, *, of_member: bool = False) -> QuotaExceededError:
    """The refusal, with everything a caller needs to explain or lift it; `of_member`: it is the member's own limit."""
    if of_member and balance.member is not None:
        return _of_member(balance, balance.member, requested)
    allowance, offer = balance.allowance, access.purchase.offers.get(balance.allowance.feature)
    way_out = f" {offer.name} allows more." if offer else ""
    detail = (
        f"{balance.used} of {balance.limit} {allowance.feature} are used; {requested} more would pass the limit of "
        f"{_made_of(access, allowance)}. It resets at {balance.period.end.isoformat()}.{way_out}"
    )
    return QuotaExceededError(
        detail,
        headers=quota_headers(balance),
        scope="organization",
        feature=allowance.feature,
        limit=balance.limit,
        used=balance.used,
        remaining=balance.remaining,
        credits=balance.credits or 0,
        requested=requested,
        reset_at=balance.period.end.isoformat(),
        upgrade=offer_document(offer),
    )


def _of_member(balance: Balance, share: Share, requested: int) -> QuotaExceededError:
    """The refusal of a member whose organization has quota left."""
    feature = balance.allowance.feature
    return QuotaExceededError(
        f"The member has used {share.used} of {share.limit} {feature}; {requested} more would pass the limit of each "
        f"member. It resets at {balance.period.end.isoformat()}.",
        headers=quota_headers(balance),
        scope="member",
        feature=feature,
        member=str(share.member_id),
        limit=share.limit,
        used=share.used,
        remaining=share.remaining,
        requested=requested,
        reset_at=balance.period.end.isoformat(),
        upgrade=None,
    )


def quota_lines(balance: Balance) -> bytes:
    """X-Quota headers as lines; limit and remaining are left out when unlimited. Reset is in Unix seconds."""
    used, limit, reset = balance.used, balance.limit, balance.period.end.timestamp()
    if limit is None:
        return b"x-quota-used: %d\r\nx-quota-reset: %d\r\n" % (used, reset)
    return b"x-quota-limit: %d\r\nx-quota-used: %d\r\nx-quota-remaining: %d\r\nx-quota-reset: %d\r\n" % (
        limit,
        used,
        balance.remaining or 0,
        reset,
    )


def quota_headers(balance: Balance) -> dict[str, str]:
    """The same as values by name."""
    return {name.decode(): value.decode() for name, value in pairs(quota_lines(balance))}
