"""Calls of commands to the runtime, and what each way in which they fail ends a command with."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

from phoenix_dma.cli.output import (
    INTERRUPTED,
    REFUSED,
    UNREACHABLE,
    Output,
    bad,
    counted,
    print_error,
    print_json_error,
    print_note,
)
from phoenix_dma.cli.which_runtime import up_line
from phoenix_dma.errors import FieldInvalid, PhoenixError, ProfileError, Unavailable
from phoenix_dma.profile import Profile, find_profile, is_loopback

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

CONNECT_SECONDS: Final = 1.5
"""How long a connection is waited for before it is said that nothing answers yet."""
PROXIES: Final = ("grpc_proxy", "https_proxy", "http_proxy")
"""The variables that make gRPC connect elsewhere than to the address."""

Found = TypeVar("Found")


class TimeIsOver(PhoenixError):
    """What was waited for did not come in the time given; the wait alone ended."""

    reason = "TIMEOUT"
    remedy = "Nothing was changed by that; look at it with `phoenix-dma tasks show`, or wait again."


def call_runtime(
    ask: Callable[[AsyncPhoenixClient], Awaitable[Found]],
    output: Output,
    profile: Profile | None = None,
) -> Found:
    """Return what ``ask`` returns for a client of ``profile``, the one that is found where None.

    An error is printed and ends the command with the exit code of its kind (docs/cli.md).
    """
    try:
        require_listener()
        # Not at the top: printing a command's help should not wait for gRPC.
        import asyncio  # noqa: PLC0415

        from phoenix_dma.aio.client import AsyncPhoenixClient  # noqa: PLC0415

        async def asked() -> Found:
            async with AsyncPhoenixClient(profile=profile) as client:
                return await ask(client)

        return asyncio.run(asked())
    except PhoenixError as error:
        raise refusal(error, output) from error
    except TimeoutError as error:
        raise refusal(TimeIsOver(str(error)), output) from error
    except UnicodeError as error:
        raise bad("an argument is no text in UTF-8") from error
    except ValueError as error:
        # A word that no enumeration has, a text that no message can carry.
        raise bad(str(error)) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error


def word(wrapper: Any, name: str, option: str) -> Any:
    """The number of a word of an enumeration; ends the command for one that it has not."""
    from phoenix_dma.wire.conversions import number  # noqa: PLC0415  # no part of a command's help

    try:
        return number(wrapper, name)
    except ValueError as error:
        raise bad(str(error), option) from error


def from_now(option: str, **span: float) -> datetime:
    """The moment that ``span`` (days, seconds) from now is; ends the command where none is."""
    try:
        return datetime.now(UTC) + timedelta(**span)
    except (OverflowError, ValueError) as error:
        (number,) = span.values()
        raise bad(f"{number:g} from now is no time that a calendar has", option) from error


def states(wrapper: Any) -> str:
    """The help of an option that names states of an enumeration."""
    from phoenix_dma.wire.conversions import choices  # noqa: PLC0415  # as `word`

    return f"Only this state: {', '.join(choices(wrapper))}. Repeatable."


def code_of(error: PhoenixError) -> int:
    """The exit code of a refusal."""
    return UNREACHABLE if isinstance(error, ProfileError | Unavailable) else REFUSED


def refusal(error: PhoenixError, output: Output) -> typer.Exit:
    """Print ``error`` as every refusal; what to raise to end the command with its exit code."""
    print_refusal(error, output)
    return typer.Exit(code_of(error))


def require_listener() -> None:
    """Raise `Unavailable` where nothing listens at the profile's address.

    gRPC goes on trying for half a minute, which suits a program whose runtime restarts, and nobody
    who waits at a terminal.
    """
    target = find_profile().endpoint().target
    host, _, port = target.rpartition(":")
    host = host.strip("[]")
    if not is_loopback(host) and any(os.environ.get(name) for name in PROXIES):
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except TimeoutError:
        print_note(f"nothing answers at {target} yet; still trying (Ctrl-C ends it)")
    except OSError as error:
        raise Unavailable(
            f"Nothing listens at {target} ({error.strerror or error})",
            remedy=f"Start the runtime with `{up_line()}`, or name another profile in "
            "PHOENIX_DMA_PROFILE; `phoenix-dma status` says which one is up.",
        ) from error


def say_what_is_missing() -> None:
    """Say at once that nothing listens; a script then goes on trying, or asks another runtime."""
    try:
        require_listener()
    except Unavailable as error:
        print_note(f"{error.text}; still trying. {error.remedy}")
    except ProfileError:
        return  # a script may name the address of its runtime itself; the SDK says what is wrong


def print_refusal(error: PhoenixError, output: Output, *, lines: bool = False) -> None:
    """Print an error to standard error: its reason, its facts and what to do.

    ``lines`` keeps the line ends of a text that is the runtime's own.
    """
    tell = print_error if lines else print_note
    if output is Output.JSON:
        fields = {"reason": error.reason, "text": error.text, "facts": error.facts}
        print_json_error({"error": {**fields, "remedy": error.remedy}})
        return
    violations = error.violations if isinstance(error, FieldInvalid) else ()
    several = len(violations) > 1
    text = f"{counted(len(violations), 'field')} are wrong" if several else error.text
    tell(f"{error.reason}: {text}")
    for violation in violations if several else ():
        print_note(f"  {violation.field}: {violation.text}")
    for name, fact in sorted(error.facts.items()):
        if name not in {"explanation", "remediation"}:
            print_note(f"  {name}: {fact}")
    tell(f"What to do: {error.remedy}")
