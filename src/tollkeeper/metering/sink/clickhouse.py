"""ClickHouse as a sink: one table, in which versions and repeats of an event collapse into the newest one."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from .model import PassedEvent, SinkUnavailableError
from .store import CREATE_AT_CLICKHOUSE, TABLE_AT_CLICKHOUSE

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

T = TypeVar("T")

CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
PLAIN_PORT, SECURE_PORT = 8123, 8443
LONGEST_WORDS = 300


class ClickHouseSink:
    """One server. Nothing is opened before it is first used; the table is made then."""

    def __init__(self, url: str) -> None:
        """`url` is `http(s)://user:password@host:port/database`; every part but the host may be left out."""
        self._url = urlsplit(url)
        self._client: Client | None = None
        self._one_at_a_time = asyncio.Lock()

    async def insert(self, events: Sequence[PassedEvent]) -> None:
        """See EventSink."""
        await self._ask(lambda client: client.insert(TABLE_AT_CLICKHOUSE, events, column_names=PassedEvent._fields))

    async def problem(self) -> str | None:
        """See EventSink."""
        try:
            await self._ask(lambda client: client.command("select 1"))
        except SinkUnavailableError as error:
            return error.detail
        return None

    async def close(self) -> None:
        """See EventSink."""
        async with self._one_at_a_time:
            self._let_go()

    async def _ask(self, what: Callable[["Client"], T]) -> T:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._with_client, what)

    @property
    def _where(self) -> str:
        return f"{self._url.hostname}:{self._port}"

    @property
    def _port(self) -> int:
        return self._url.port or (SECURE_PORT if self._url.scheme == "https" else PLAIN_PORT)

    def _with_client(self, what: Callable[["Client"], T]) -> T:
        from clickhouse_connect.driver.exceptions import ClickHouseError  # noqa: PLC0415 - slow to load, used by few

        try:
            self._client = self._client or self._open()
            return what(self._client)
        except (ClickHouseError, OSError) as error:
            self._let_go()
            words = (str(error).strip().splitlines() or [type(error).__name__])[0][:LONGEST_WORDS]
            raise SinkUnavailableError(f"ClickHouse at {self._where}: {words}") from error

    def _open(self) -> "Client":
        import clickhouse_connect  # noqa: PLC0415 - slow to load, used by few

        client = clickhouse_connect.get_client(
            interface=self._url.scheme,
            host=self._url.hostname,
            port=self._port,
            username=unquote(self._url.username) if self._url.username else None,
            password=unquote(self._url.password or ""),
            database=self._url.path.strip("/") or None,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=ANSWER_SECONDS,
            query_retries=0,
            autogenerate_session_id=False,
            client_name="tollkeeper",
        )
        try:
            client.command(CREATE_AT_CLICKHOUSE)
        except BaseException:
            client.close()
            raise
        return client

    def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
