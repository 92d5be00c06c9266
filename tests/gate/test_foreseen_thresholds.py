"""A batch that reaches a threshold and was decided by what another worker has moved since is decided again."""

import psycopg

from support import Customer


async def used_after(customer: Customer, count: int, **more: str) -> int:
    answer = await customer.client.post("/api/usage/track", json={"feature": "prompts", "count": count, **more})
    assert answer.status_code == 200, answer.text
    used: int = answer.json()["used"]
    return used


def told(url: str) -> list[tuple[int]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select (args->>'percent')::int from procrastinate_jobs where task_name = 'metering.announce_threshold'"
        ).fetchall()


async def test_a_threshold_is_told_once_though_the_counter_had_moved(ada: Customer, clean_database: str) -> None:
    for number in range(1, 4):  # so that the next is foreseen
        assert await used_after(ada, 1) == number
    with psycopg.connect(clean_database) as connection:
        connection.execute("update usage_counters set used = used + 10")
    assert await used_after(ada, 800) == 813
    assert told(clean_database) == [(80,)]
    assert await used_after(ada, 1) == 814


async def test_a_repeat_that_would_reach_a_threshold_counts_nothing(ada: Customer, clean_database: str) -> None:
    assert await used_after(ada, 1, idempotency_key="once") == 1
    for number in range(2, 4):  # so that the next is foreseen
        assert await used_after(ada, 1) == number
    assert await used_after(ada, 900, idempotency_key="once") == 3
    assert told(clean_database) == []
