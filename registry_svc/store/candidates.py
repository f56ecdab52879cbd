"""What discovery reads of one tenant: candidates, and near misses.

The first names are looked up in the graph, by an index on equality. Containment of arrays is not
leakproof, so row-level security keeps it from any index: to find five holders among 50,000
participants it takes 16 ms, the graph 0.8 ms. For a capability that everybody has both take 8 ms.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from phoenix_runtime.chassis.data.rows import TenantRows
from phoenix_runtime.core.standing import ParticipantStatus
from registry_svc.domain.discovery import Requirement
from registry_svc.domain.graph import EdgeKind
from registry_svc.domain.lifecycle import RETIRED
from registry_svc.domain.participant import Participant
from registry_svc.domain.ranking import Matching
from registry_svc.store.participants import MAPPER
from registry_svc.store.tables import edges, participants

MAX_LOOKED_UP: Final = 4
"""Names that are looked up in the graph; the rest is checked on the rows that are left."""
MAX_HOLDERS: Final = 512
"""Holders of a capability among which near misses are looked for."""
TEXTS: Final = ARRAY(Text)

_OF_TENANT: Final = participants.c.tenant == bindparam("tenant")
_NOT_EXCLUDED: Final = not_(
    participants.c.participant_id == any_(bindparam("excluded", type_=TEXTS))
)
_TASK_TYPE: Final[ColumnElement[str]] = bindparam("task_type", type_=Text)
_MATCHES: Final = and_(
    participants.c.status == any_(bindparam("statuses", type_=TEXTS)),
    participants.c.capabilities.contains(bindparam("capabilities", type_=TEXTS)),
    participants.c.data_domains.contains(bindparam("data_domains", type_=TEXTS)),
    or_(
        _TASK_TYPE == "",
        func.cardinality(participants.c.task_types) == 0,
        any_(participants.c.task_types) == _TASK_TYPE,
    ),
)
_LIMIT: Final = bindparam("most", type_=Integer)

NEAR_ANY: Final = (
    select(participants)
    .where(_OF_TENANT, not_(_MATCHES), participants.c.status != RETIRED.value, _NOT_EXCLUDED)
    .limit(_LIMIT)
)
"""Participants that do not match, where no capability is required."""

_HELD: Final = (
    select(edges.c.participant_id)
    .where(
        edges.c.tenant == bindparam("tenant"),
        edges.c.kind == EdgeKind.CAPABILITY.value,
        edges.c.name == any_(bindparam("capabilities", type_=TEXTS)),
        edges.c.granted,
    )
    .limit(MAX_HOLDERS)
    .subquery("held")
)
# Bounded: the planner would otherwise read the whole table for a capability that many have.
_HOLDERS: Final = (
    select(_HELD.c.participant_id).distinct().cte("holders").prefix_with("MATERIALIZED")
)
_HOLDER_IDS: Final = func.array(select(_HOLDERS.c.participant_id).scalar_subquery(), type_=TEXTS)
NEAR: Final = NEAR_ANY.where(participants.c.participant_id == any_(_HOLDER_IDS))
"""Participants that have one of the capabilities and do not match."""


@cache
def matching(looked_up: int) -> Select[Any]:
    """What a participant is placed by, of all that are granted everything.

    ``looked_up`` names are read in the graph: parameters ``kind_0`` and ``name_0``, and so on.
    """
    return select(participants.c.participant_id, participants.c.status, participants.c.cost).where(
        _OF_TENANT,
        _MATCHES,
        _NOT_EXCLUDED,
        *(_granted(number) for number in range(looked_up)),
    )


MATCHING_IDS: Final = select(participants).where(
    _OF_TENANT,
    participants.c.participant_id == any_(bindparam("participants", type_=TEXTS)),
    _MATCHES,
)
"""The participants of some ids that are granted everything."""


def _granted(number: int) -> ColumnElement[bool]:
    edge = edges.alias(f"edge_{number}")
    return exists().where(
        edge.c.tenant == participants.c.tenant,
        edge.c.kind == bindparam(f"kind_{number}", type_=Text),
        edge.c.name == bindparam(f"name_{number}", type_=Text),
        edge.c.participant_id == participants.c.participant_id,
        edge.c.granted,
    )


class CandidateQueries(TenantRows):
    """Implements `domain.ports.Candidates`."""

    async def matching(self, requirement: Requirement) -> Sequence[Matching]:
        """See the port."""
        names = [(EdgeKind.CAPABILITY.value, one) for one in requirement.required_capabilities]
        names += [(EdgeKind.DATA_DOMAIN.value, one) for one in requirement.data_domains]
        looked_up = names[:MAX_LOOKED_UP]
        parameters = self._parameters(requirement)
        for number, (kind, name) in enumerate(looked_up):
            parameters |= {f"kind_{number}": kind, f"name_{number}": name}
        rows = await self._all(matching(len(looked_up)), parameters)
        return [
            Matching(row["participant_id"], ParticipantStatus(row["status"]), row["cost"])
            for row in rows
        ]

    async def matching_participants(
        self, requirement: Requirement, participant_ids: Sequence[str]
    ) -> Mapping[str, Participant]:
        """See the port."""
        parameters = self._parameters(requirement) | {"participants": list(participant_ids)}
        found = await self._participants(MATCHING_IDS, parameters)
        return {participant.id: participant for participant in found}

    async def near_misses(self, requirement: Requirement, *, limit: int) -> tuple[Participant, ...]:
        """See the port."""
        statement = NEAR if requirement.required_capabilities else NEAR_ANY
        return await self._participants(statement, self._parameters(requirement) | {"most": limit})

    async def _participants(
        self, statement: Select[Any], parameters: Mapping[str, object]
    ) -> tuple[Participant, ...]:
        return tuple(MAPPER.value(row) for row in await self._all(statement, parameters))

    def _parameters(self, requirement: Requirement) -> dict[str, object]:
        return {
            "tenant": self.tenant,
            "statuses": [status.value for status in requirement.statuses],
            "capabilities": list(requirement.required_capabilities),
            "data_domains": list(requirement.data_domains),
            "task_type": requirement.task_type,
            "excluded": list(requirement.exclude),
        }
