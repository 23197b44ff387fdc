"""One connection pool to Redis, a single server or a cluster, that runs scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiex_lsp.errors import StateError
from aiex_lsp.state import redis_failures as failures
from aiex_lsp.state.redis_scripts import Script

TIME_LIMIT = 0.5
"""Seconds an operation may take. The library's own limits take 4 s to report a dead server."""

CONNECTIONS = 8

Argument = str | bytes | int | float


class RedisClient:
    """Runs scripts at `url`; `limit` is in seconds. Connects when first used."""

    def __init__(self, url: str, limit: float = TIME_LIMIT) -> None:
        self._url = url
        self._limit = limit
        self._client: Any = None
        self._library: _Library | None = None
        self._opening = asyncio.Lock()
        self.place = failures.place_of(url)

    def __repr__(self) -> str:
        return f"RedisClient({self.place!r})"

    async def run(self, script: Script, keys: Sequence[str], *args: Argument) -> list[Any]:
        """Return the script's reply. Raises `StateError`.

        A server that does not know the script yet is given its text. A connection that broke
        while it lay idle is made anew once; a second failure is told.
        """
        if self._library is None:
            # Importing takes 0.2 s and more, which is no fault of the server's.
            try:
                self._library = await asyncio.to_thread(_Library)
            except ImportError:
                raise failures.not_installed() from None
        library = self._library
        try:
            async with asyncio.timeout(self._limit):
                client = await self._connected(library)
                return await self._evaluate(client, script, keys, args)
        except TimeoutError:
            raise failures.timed_out(self.place, self._limit) from None
        except StateError:
            raise
        except Exception as error:  # noqa: BLE001 - the library raises trees of its own, and OSError
            raise failures.explained(error, self.place) from None

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _connected(self, library: _Library) -> Any:
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await self._connect(library)
        return self._client

    async def _connect(self, library: _Library) -> Any:
        options: dict[str, Any] = {
            "socket_timeout": self._limit,
            "socket_connect_timeout": self._limit,
            "health_check_interval": 0,
        }
        try:
            client = library.single(self._url, self._limit, options)
        except ValueError:
            raise failures.bad_address() from None
        try:
            about = await client.info("cluster")
        except library.NotAllowed:
            about = {}
        except BaseException:
            await client.aclose()
            raise
        if about.get("cluster_enabled") not in (1, "1"):
            return client
        await client.aclose()
        return library.cluster(self._url, options)

    @staticmethod
    async def _evaluate(
        client: Any, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> list[Any]:
        from redis.exceptions import NoScriptError

        try:
            reply = await client.evalsha(script.sha, len(keys), *keys, *args)
        except NoScriptError:
            reply = await client.eval(script.text, len(keys), *keys, *args)
        return list(reply or ())


class _Library:
    """How clients of the library are made."""

    def __init__(self) -> None:
        from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Broken
        from redis.exceptions import NoPermissionError

        self.NotAllowed = NoPermissionError
        self._pool, self._redis, self._cluster = BlockingConnectionPool, Redis, RedisCluster
        self._retry = Retry(NoBackoff(), 1, supported_errors=(Broken,))

    def single(self, url: str, limit: float, options: dict[str, Any]) -> Any:
        """Return a client of one server. Raises `ValueError` for a bad address."""
        pool = self._pool.from_url(
            url, max_connections=CONNECTIONS, timeout=limit, retry=self._retry, **options
        )
        return self._redis.from_pool(pool)

    def cluster(self, url: str, options: dict[str, Any]) -> Any:
        """Return a client of a cluster."""
        return self._cluster.from_url(url, retry=self._retry, **options)
