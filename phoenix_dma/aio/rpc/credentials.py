"""Credentials: enrolled with the profile's enrolment credential, renewed before they lapse."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

from google.protobuf import timestamp_pb2

from phoenix_dma.aio.rpc.transport import Transport
from phoenix_dma.errors import CredentialInvalid, PhoenixError
from phoenix_dma.profile import Profile
from phoenix_dma.v1 import identity_pb2
from phoenix_dma.wire.conversions import time_of

RENEW_AT: Final = 0.5
"""The part of a credential's life after which it is renewed."""
LONGEST: Final = 15 * 60.0
SHORTEST: Final = 2.0


class GivenCredential:
    """A ready token (``PHOENIX_DMA_TOKEN``), which the SDK cannot renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        """The token."""
        return self._token

    async def renewed(self, refused: str) -> str:
        """Raises `CredentialInvalid`: there is no other."""
        del refused
        raise CredentialInvalid(
            "The token in PHOENIX_DMA_TOKEN was rejected",
            remedy="Set PHOENIX_DMA_TOKEN to a new one.",
        )

    def seconds_to_renewal(self) -> float:
        """Never by itself."""
        return LONGEST

    def beside(self, transport: Transport) -> GivenCredential:
        """The same token, for calls over ``transport``."""
        del transport
        return self


class EnrolledCredential:
    """A short-lived credential of the local issuer for ``wanted``."""

    def __init__(
        self, transport: Transport, profile: Profile, wanted: identity_pb2.EnrolRequest
    ) -> None:
        self._transport = transport
        self._profile = profile
        self._wanted = wanted
        self._token = ""
        self._lapses = 0.0
        self._renews = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """The token, renewed first where half of its life is over."""
        async with self._lock:
            if time.monotonic() >= self._renews:
                await self._renew()
            return self._token

    async def renewed(self, refused: str) -> str:
        """A newly enrolled token, unless ``refused`` was renewed in the meantime."""
        async with self._lock:
            if self._token == refused:
                await self._enrol()
            return self._token

    def seconds_to_renewal(self) -> float:
        """How long until `token` answers another one."""
        return max(0.0, self._renews - time.monotonic())

    def beside(self, transport: Transport) -> EnrolledCredential:
        """A credential that begins with the present token and renews itself over ``transport``."""
        other = EnrolledCredential(transport, self._profile, self._wanted)
        other._token, other._lapses, other._renews = self._token, self._lapses, self._renews
        return other

    async def _renew(self) -> None:
        """Renew, else enrol; a failure is the caller's only once the present one has lapsed."""
        try:
            if self._token and time.monotonic() < self._lapses:
                await self._exchange()
            else:
                await self._enrol()
        except CredentialInvalid:
            await self._enrol()
        except PhoenixError:
            if time.monotonic() >= self._lapses:
                raise
            self._renews = min(self._lapses, time.monotonic() + SHORTEST)

    async def _exchange(self) -> None:
        method = self._transport.stubs.identity.RenewCredential
        request = identity_pb2.RenewCredentialRequest()
        answer = await self._transport.ask_as(self._token, method, request)
        self._take(answer.credential, answer.expire_time)

    async def _enrol(self) -> None:
        method = self._transport.stubs.identity.Enrol
        # A runtime that was set up anew has other keys, and its profile another credential.
        self._profile = self._profile.read_again()
        enrolment = self._profile.enrolment()
        answer = await self._transport.ask_as(enrolment, method, self._wanted)
        self._take(answer.credential, answer.expire_time)

    def _take(self, token: str, expires: timestamp_pb2.Timestamp) -> None:
        # From here on monotonic time alone: a clock that is wrong, or jumps, cannot keep a
        # credential past its life: one that is rejected as lapsed is enrolled again.
        life = (time_of(expires) - datetime.now(UTC)).total_seconds()
        life = min(LONGEST, max(SHORTEST, life))
        self._token = token
        self._lapses = time.monotonic() + life
        self._renews = time.monotonic() + life * RENEW_AT


def credential_for(
    transport: Transport, profile: Profile, wanted: identity_pb2.EnrolRequest
) -> GivenCredential | EnrolledCredential:
    """The given token where the environment has one, else one to be enrolled."""
    if profile.token:
        return GivenCredential(profile.token)
    return EnrolledCredential(transport, profile, wanted)
