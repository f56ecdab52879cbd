"""Bytes that are no HTTP, or that two parsers would read in two ways."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.e2e.scenarios.intervals import ATTEMPT
from tests.robustness.bad_input.transport import BODY

REST_OF_IT = b"Host: runtime\r\nConnection: close\r\n"


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes on a connection. ``credential`` stands for the operator's header."""

    name: str
    content: bytes

    def __str__(self) -> str:
        return self.name


def post(name: str, headers: bytes, body: bytes = BODY) -> Raw:
    """A submission with these headers in place of its length."""
    begun = b"POST /tasks/submit HTTP/1.1\r\n" + REST_OF_IT + b"{credential}"
    return Raw(name, begun + b"Content-Type: application/json\r\n" + headers + b"\r\n" + body)


def get(name: str, target: bytes, headers: bytes = b"") -> Raw:
    """A GET of ``target`` as it stands."""
    return Raw(name, b"GET " + target + b" HTTP/1.1\r\n" + REST_OF_IT + headers + b"\r\n")


def cases() -> Iterator[Raw]:
    length = b"Content-Length: %d\r\n" % len(BODY)
    yield post("two lengths that differ", b"Content-Length: 2\r\n" + length)
    yield post("a negative length", b"Content-Length: -1\r\n")
    yield post("a length in letters", b"Content-Length: many\r\n")
    yield post("a length of a hundred digits", b"Content-Length: " + b"9" * 100 + b"\r\n")
    chunked = b"Transfer-Encoding: chunked\r\n"
    yield post("chunks that are none", chunked, b"zz\r\n{}\r\n0\r\n\r\n")
    yield post("a chunk of a huge size", chunked, b"ffffffffffffffff\r\n{}")
    yield post("an encoding of the transfer that is none", b"Transfer-Encoding: gzip\r\n")
    yield post("a header of 40 KiB", b"X-Long: " + b"a" * (40 << 10) + b"\r\n" + length)
    yield post("4,000 headers", b"".join(b"X-%d: a\r\n" % n for n in range(4000)) + length)
    yield post("a header with U+0000", b"X-Nul: a\0b\r\n" + length)
    yield post("a header without a name", b": a\r\n" + length)
    yield post("a header that is folded", b"X-Fold: a\r\n b\0\r\n" + length)
    yield get("a target with a space", b"/audit/events?task=a b")
    yield get("a target that is no ASCII", b"/audit/\xff")
    yield get("a target of 40 KiB", b"/" + b"a" * (40 << 10))
    yield get("a target that climbs", b"/tasks/../../etc/passwd")
    yield get("a target of another runtime", b"http://169.254.169.254/latest/meta-data")
    yield get("a path of escapes", b"/%2e%2e/%2e%2e/etc/passwd%00")
    yield Raw("a method that is none", b"DROP /tasks/submit HTTP/1.1\r\n" + REST_OF_IT + b"\r\n")
    yield Raw("a tunnel", b"CONNECT 10.0.0.1:22 HTTP/1.1\r\n" + REST_OF_IT + b"\r\n")
    yield Raw("no Host", b"GET /audit/events HTTP/1.1\r\nConnection: close\r\n\r\n")
    yield Raw("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    yield Raw("the beginning of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield Raw("garbage", bytes(range(256)) * 4 + b"\r\n\r\n")


CASES = list(cases())


async def answer_to(address: str, content: bytes) -> bytes:
    """What comes back until the connection is closed; the other side may close it at any time."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(ATTEMPT):
            writer.write(content)
            await writer.drain()
            with contextlib.suppress(OSError):  # ENOTCONN: it is closed already, which reading says
                writer.write_eof()
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
