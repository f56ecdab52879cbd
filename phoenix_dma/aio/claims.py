"""Says what became of a participant's claims: one line when it is here, and what does not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from phoenix_dma.log import EventLog, announcements
from phoenix_dma.nearest import did_you_mean
from phoenix_dma.v1 import registry_pb2

log = EventLog(__name__)

ANY: str = ""
"""The capability of a handler for any task."""


class Claims:
    """The claims of one participant, and the handlers that its program has registered."""

    def __init__(self, declaration: registry_pb2.ParticipantDeclaration) -> None:
        self._id = declaration.id
        self._announces = declaration.type != "human"
        self._claimed = frozenset(declaration.capabilities)
        self._said = ""

    def registered(self, granted: registry_pb2.Participant) -> None:
        """Say what was granted and what was refused, unless it is as it was said before."""
        said = here(granted)
        if said == self._said or not self._announces:
            return
        self._said = said
        told = announcements.say(said)
        log.info("participant_here", participant=self._id, generation=granted.generation, text=said)
        for refused in granted.refused:
            write = log.info if told else log.warning
            write(
                "claim_refused",
                participant=self._id,
                kind=refused.kind,
                name=refused.name,
                reason=refused.reason,
            )

    def handled(self, capabilities: Collection[str]) -> None:
        """Warn about handlers that no task will ever reach."""
        for capability in sorted(set(capabilities) - self._claimed - {ANY}):
            log.warning(
                "handler_unreachable",
                participant=self._id,
                capability=capability,
                reason="it is not among the capabilities that the participant claims"
                + did_you_mean(capability, self._claimed),
            )


def here(granted: registry_pb2.Participant) -> str:
    """``agent.a is here: granted …; refused …``."""
    names = [*granted.capabilities, *granted.data_domains, *granted.permissions]
    said = f"{granted.id} is here: granted {', '.join(names) or 'nothing'}"
    refused = ", ".join(_refusals(granted))
    return f"{said}; refused {refused}" if refused else said


def _refusals(granted: registry_pb2.Participant) -> Iterator[str]:
    for refused in granted.refused:
        yield f"{refused.name} ({refused.reason})"
