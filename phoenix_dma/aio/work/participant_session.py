"""What everything that acts for one participant shares: channel, credential, human decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from google.protobuf.message import Message

from phoenix_dma.aio.rpc.stubs import Stubs
from phoenix_dma.aio.rpc.transport import Credential, Method, Transport
from phoenix_dma.aio.work.approvals import ApprovalDecisions

Answer = TypeVar("Answer", bound=Message)


@dataclass(slots=True)
class ParticipantSession:
    """Calls as one participant, and the approvals that were decided for it."""

    transport: Transport
    credential: Credential
    decisions: ApprovalDecisions = field(default_factory=ApprovalDecisions)

    @property
    def stubs(self) -> Stubs:
        """The stubs of every service."""
        return self.transport.stubs

    async def ask(
        self, method: Method[Answer], request: Message, *, patience: float | None = None
    ) -> Answer:
        """Call as the participant; raises `phoenix_dma.errors.PhoenixError`.

        ``patience`` is in seconds, over all tries; the transport's where it is None.
        """
        return await self.transport.ask(method, request, self.credential, patience=patience)
