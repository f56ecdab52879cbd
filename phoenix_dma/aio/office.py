"""What a participant has at hand: the way to the house, its credential, news of approvals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from google.protobuf.message import Message

from phoenix_dma.aio.approvals import Decisions
from phoenix_dma.aio.stubs import Stubs
from phoenix_dma.aio.transport import Credential, Method, Transport

Answer = TypeVar("Answer", bound=Message)


@dataclass(slots=True)
class Office:
    """Everything that acts for one participant shares one of these."""

    transport: Transport
    credential: Credential
    decisions: Decisions = field(default_factory=Decisions)

    @property
    def stubs(self) -> Stubs:
        """The stubs of every service."""
        return self.transport.stubs

    async def ask(
        self, method: Method[Answer], request: Message, *, patience: float | None = None
    ) -> Answer:
        """Call as the participant; raises `phoenix_dma.errors.PhoenixError`."""
        return await self.transport.ask(method, request, self.credential, patience=patience)
