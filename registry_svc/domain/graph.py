"""The capability graph: edges from participants to what they may do and use (paper, section 6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from registry_svc.domain.participant import Participant


class EdgeKind(StrEnum):
    """The kind of node that an edge leads to."""

    CAPABILITY = "capability"
    DATA_DOMAIN = "data_domain"
    PERMISSION = "permission"
    MODEL_ENDPOINT = "model_endpoint"
    TASK_TYPE = "task_type"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One edge. A refused claim is an edge that is not ``granted``, with the reason."""

    participant_id: str
    kind: EdgeKind
    name: str
    granted: bool = True
    refused_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFilter:
    """Which edges are asked for; an empty field matches all."""

    participant_id: str = ""
    kind: EdgeKind | None = None
    name: str = ""
    include_refused: bool = False


def edges_of(participant: Participant) -> tuple[Edge, ...]:
    """Every edge of a participant, in order, each once."""
    return tuple(sorted({(edge.kind, edge.name): edge for edge in _edges(participant)}.values()))


def _edges(participant: Participant) -> Iterator[Edge]:
    grants, declared = participant.grants, participant.declaration
    for refusal in grants.refused:
        yield Edge(
            participant.id, EdgeKind(refusal.kind), refusal.name, granted=False,
            refused_because=refusal.reason,
        )  # fmt: skip
    granted = {
        EdgeKind.CAPABILITY: grants.capabilities,
        EdgeKind.DATA_DOMAIN: grants.data_domains,
        EdgeKind.PERMISSION: grants.permissions,
        EdgeKind.TASK_TYPE: declared.task_types,
        EdgeKind.MODEL_ENDPOINT: [model.name for model in declared.model_endpoints],
    }
    for kind, names in granted.items():
        for name in names:
            yield Edge(participant.id, kind, name)
