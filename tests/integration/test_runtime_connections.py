"""A server of one's own whose connection breaks while a runtime starts is named, with a remedy."""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from phoenix_runtime.local import runtime as runtime_module
from phoenix_runtime.local.connections import ConnectionFailed, SystemRefused, said_as_connection
from phoenix_runtime.local.data_folder.folder import DataFolder
from phoenix_runtime.local.errors import LocalRuntimeError
from phoenix_runtime.local.health import listens
from phoenix_runtime.local.runtime import LocalRuntime, LocalRuntimeOptions

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
URLS = {"postgres_url": "postgresql", "redis_url": "redis", "opa_url": "http"}


@pytest.fixture
def options() -> Iterator[LocalRuntimeOptions]:
    options = LocalRuntimeOptions.temporary(services=())
    yield options
    shutil.rmtree(options.data)


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what was sent first and reset the connection."""
    await reader.read(1)
    taken: socket.socket = writer.get_extra_info("socket")
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what was sent first and close the connection."""
    await reader.read(1)
    writer.close()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer what no such server says."""
    await reader.read(1)
    writer.write(b"\0\xffhello\r\n" * 9)
    writer.close()


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()


@pytest.mark.parametrize("part", URLS)
@pytest.mark.parametrize("serve", [reset, close, garbage], ids=lambda one: one.__name__)
async def test_a_server_that_answers_so_is_named(
    options: LocalRuntimeOptions, part: str, serve: Serve
) -> None:
    async with serving(serve) as address:
        chosen = {part: f"{URLS[part]}://me:secret@{address}/db"}
        with pytest.raises(LocalRuntimeError) as refused:
            await LocalRuntime(replace(options, **chosen)).start()  # type: ignore[arg-type]
        assert await listens(address), "who resets it listens all the same"
    error = refused.value
    assert address in error.text
    assert error.text.rpartition(": ")[2].strip()
    assert "secret" not in str(error)
    assert error.reason.endswith(("_UNUSABLE", "_UNAVAILABLE"))
    assert error.remedy.endswith(".")
    assert DataFolder(options.data).holder() is None


@pytest.mark.parametrize(
    ("part", "url"),
    [
        ("postgres_url", "postgresql://me:secret@127.0.0.1:port/db"),
        ("postgres_url", "mysql://127.0.0.1/db"),
        ("postgres_url", "postgresql://[::1"),
        ("redis_url", "memcached://127.0.0.1"),
        ("redis_url", "redis://127.0.0.1:port"),
        ("opa_url", "127.0.0.1:8181"),
        ("opa_url", "http://[::1"),
        ("opa_url", "http://127.0.0.1:port"),
    ],
)
async def test_an_address_that_is_none_is_said(
    options: LocalRuntimeOptions, part: str, url: str
) -> None:
    chosen: dict[str, str] = {part: url}
    with pytest.raises(LocalRuntimeError) as refused:
        await LocalRuntime(replace(options, **chosen)).start()  # type: ignore[arg-type]
    assert refused.value.reason.endswith(("_UNUSABLE", "_UNAVAILABLE"))
    assert "secret" not in str(refused.value)


async def test_a_database_that_goes_after_it_was_prepared_is_named(
    options: LocalRuntimeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(runtime_module, "pending_upgrades", gone)
    with pytest.raises(LocalRuntimeError, match="Connection reset by peer") as refused:
        await LocalRuntime(options).start()
    assert refused.value.reason == "DATABASE_UNUSABLE"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionResetError(), ConnectionFailed),
        (TimeoutError(), ConnectionFailed),
        (OSError(113, "No route to host"), ConnectionFailed),
        (OSError(24, "Too many open files"), SystemRefused),
    ],
)
def test_what_a_step_meets_is_told_with_the_step(
    error: OSError, kind: type[LocalRuntimeError]
) -> None:
    with (
        pytest.raises(kind, match="starting registry: ") as told,
        said_as_connection("starting registry"),
    ):
        raise error
    assert told.value.text.rpartition(": ")[2]


def test_a_file_and_a_fault_of_this_program_are_left_as_they_are() -> None:
    for error in (FileNotFoundError(2, "No such file", "x"), KeyError("x")):
        with pytest.raises(type(error)), said_as_connection("starting"):
            raise error
