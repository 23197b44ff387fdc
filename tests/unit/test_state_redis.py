"""A real Redis that refuses, hangs or is not there: what the user is told, and how soon."""

import asyncio
import builtins
import time
from contextlib import asynccontextmanager
from random import Random

import pytest

from aiex_lsp.errors import StateError
from aiex_lsp.state.primary import UnsuitableError
from aiex_lsp.state.redis import RedisStore
from aiex_lsp.state.types import CircuitPolicy, Member, Row, WindowLimits
from tests.servers.redis import MISSING, redis_program, redis_server

pytestmark = pytest.mark.skipif(redis_program() is None, reason=MISSING)

TEN = WindowLimits(10, 1000)


async def failure(url: str, **options) -> str:
    store = RedisStore(url, random=Random(1), **options)
    try:
        with pytest.raises(StateError) as raised:
            await store.reserve("p/limits", Row("a", 0, 1), TEN)
    finally:
        await store.aclose()
    told = str(raised.value)
    assert "hunter2" not in told
    assert "hunter2" not in repr(raised.value)
    assert raised.value.__cause__ is None
    return told


async def use_all(store) -> None:
    await store.reserve("p/limits", Row("a", 0, 1), TEN)
    await store.record({"p/": "failure", "p/m": "failure"}, "h", CircuitPolicy())
    await store.admit(["p/", "p/m"], "h", 1, CircuitPolicy())
    await store.put("p/health", "x", 60)
    await store.cache("k", b"v", 60, 100)
    await store.beat(Member("a", "host"))


async def test_every_key_is_ours_and_expires(tmp_path):
    with redis_server(tmp_path) as server:
        store = RedisStore(server.url, random=Random(1))
        await use_all(store)
        await store.aclose()
        keys = server.command("KEYS", "*").decode().split("\r\n")[2::2]
        assert len(keys) >= 10
        assert all(key.startswith("aiex:") for key in keys)
        for key in keys:
            assert int(server.command("PTTL", key)[1:]) > 0, key


async def test_a_restarted_server_is_used_again_with_the_same_connections(tmp_path):
    with redis_server(tmp_path) as server:
        store = RedisStore(server.url, random=Random(1))
        await use_all(store)
        server.stop()
        server.start()
        seen = await store.reserve_seen("p/limits", Row("b", 0, 1), TEN)
        assert seen.reservation.requests == 1
        await store.aclose()


async def test_nobody_there_is_told_at_once():
    began = time.monotonic()
    told = await failure("redis://:hunter2@127.0.0.1:1/0")
    assert told == "Redis at 127.0.0.1:1 cannot be reached. Start it, or correct coordination.url."
    assert time.monotonic() - began < 2


@asynccontextmanager
async def saying(words: bytes | None):
    """Yield the port of a server that says this to everybody, or nothing at all."""
    ends = []

    async def talk(_reader, writer):
        ends.append(writer)
        if words is not None:
            writer.write(words)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in ends:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in ends), return_exceptions=True)


async def test_a_server_that_is_silent_is_told_within_the_limit():
    async with saying(None) as port:
        began = time.monotonic()
        told = await failure(f"redis://:hunter2@127.0.0.1:{port}/0", limit=0.3)
        assert f"127.0.0.1:{port} did not answer" in told
        assert time.monotonic() - began < 2


async def test_something_that_is_no_redis():
    async with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert f"127.0.0.1:{port}" in await failure(f"redis://127.0.0.1:{port}/0")


async def test_password_missing_and_wrong(tmp_path):
    with redis_server(tmp_path, "--requirepass", "right") as server:
        assert "asks for a password" in await failure(server.url)
        wrong = server.url.replace("//", "//:hunter2@")
        assert "refused user name or password" in await failure(wrong)
        right = server.url.replace("//", "//:right@")
        store = RedisStore(right, random=Random(1))
        await use_all(store)
        assert "right" not in repr(store._client)
        await store.aclose()


async def test_a_user_without_rights_and_a_full_and_a_read_only_server(tmp_path):
    with redis_server(tmp_path) as server:
        server.command(
            "ACL", "SETUSER", "weak", "on", ">hunter2", "~*", "+ping", "+hello", "+client"
        )
        told = await failure(server.url.replace("//", "//weak:hunter2@"))
        assert "does not let this user" in told
        server.command("CONFIG", "SET", "maxmemory", "1")
        assert "has no memory left" in await failure(server.url)
        server.command("CONFIG", "SET", "maxmemory", "0")
        server.command("REPLICAOF", "127.0.0.1", "1")
        server.command("CONFIG", "SET", "replica-serve-stale-data", "yes")
        assert "read-only replica" in await failure(server.url)


async def test_a_value_of_somebody_else_under_our_key(tmp_path):
    with redis_server(tmp_path) as server:
        server.command("SET", "aiex:{p}:window:p/limits", "7")
        assert "refused an operation" in await failure(server.url)


@pytest.mark.parametrize("url", ["http://x:hunter2@y", "redis://h:notaport/0", "no address"])
async def test_an_address_that_is_none_names_its_form_and_not_itself(url):
    assert "redis://HOST:PORT/0" in await failure(url)


async def test_without_the_extra_the_user_is_told_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "redis" or name.startswith("redis."):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    store = RedisStore("redis://127.0.0.1:1/0", random=Random(1))
    with pytest.raises(UnsuitableError, match=r"pip install 'aiex-lsp\[redis\]'"):
        await store.now()


async def test_a_cluster_holds_everything(tmp_path):
    with redis_server(tmp_path, "--cluster-enabled", "yes") as server:
        server.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        server.wait_for("CLUSTER INFO", b"cluster_state:ok")
        store = RedisStore(server.url, random=Random(1), limit=5)
        await use_all(store)
        assert (await store.usage("p/limits")).requests == 1
        assert [one.name for one in await store.circuits(["q/", "p/"])] == ["q/", "p/"]
        await store.permit(["q/", "p/"])
        await store.reset(["q/", "p/"])
        assert await store.get("p/health") == "x"
        assert await store.cached("k") == b"v"
        assert [one.id for one in await store.members()] == ["a"]
        await store.aclose()


async def test_a_cancelled_caller_leaves_a_store_that_works(tmp_path):
    with redis_server(tmp_path) as server:
        store = RedisStore(server.url, random=Random(1))
        await store.now()
        for delay in (0, 0.0001, 0.0003, 0.001):
            asking = asyncio.create_task(store.reserve("p/limits", Row("a", 0, 1), TEN))
            await asyncio.sleep(delay)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            usage = await store.usage("p/limits")
            assert usage.requests in (0, 1)
        await store.aclose()
