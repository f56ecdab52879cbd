"""Reads the constraints of a data document: what each gates, denies, obliges or permits."""

from collections.abc import Mapping
from typing import Final

from governance_svc.domain.catalogue.catalogue import Constraint, gated_action
from governance_svc.domain.catalogue.reader import Reader
from phoenix_runtime.core.json import Json
from phoenix_runtime.core.verdict import (
    APPROVAL,
    DecisionPoint,
    Obligation,
    evidence_of,
    obligation_faults,
)

OBLIGATION_KEYS: Final = ("id", "text", "due", "met_by")
"""The words of ``obliges``."""

NO_GATE: Final = (
    f"is {APPROVAL}, so the constraint needs gates at one action: a point such as task.complete, "
    "or data.operate with the name of an operation"
)


def read_constraint(reader: Reader, path: str, entry: Mapping[str, Json]) -> Constraint:
    """The constraint at ``path``; what is wrong with it is reported."""
    for key in entry.keys() - {"gates", "denies", "obliges", "permits"}:
        reader.report(f"{path}.{key}", "is not gates, denies, obliges or permits")
    permits = entry.get("permits")
    if permits not in (None, {"status": "degraded"}):
        reader.report(f"{path}.permits", "is not the status degraded")
    patterns = {
        key: _pattern(reader, f"{path}.{key}", entry[key])
        for key in ("gates", "denies")
        if key in entry
    }
    gates = patterns.get("gates")
    obliges = (
        _obligation(reader, f"{path}.obliges", entry["obliges"], gates)
        if "obliges" in entry
        else None
    )
    return Constraint(gates, patterns.get("denies"), obliges, permits is not None)


def _pattern(reader: Reader, path: str, value: Json) -> Mapping[str, Json]:
    pattern = reader.mapping(path, value)
    # A pattern without a point would match nothing, and its gate would never close.
    if pattern.get("point") not in tuple(DecisionPoint):
        reader.report(f"{path}.point", "is not a decision point")
    for key in pattern.keys() - {"point", "kind", "name", "domain", "reason", "across_owners"}:
        reader.report(f"{path}.{key}", "is not a fact of a policy input")
    return pattern


def _obligation(
    reader: Reader, path: str, value: Json, gates: Mapping[str, Json] | None
) -> Obligation:
    """What a constraint obliges to; an approval that meets it is one that its gate asks for."""
    entry = reader.mapping(path, value)
    for key in entry.keys() - set(OBLIGATION_KEYS):
        reader.report(f"{path}.{key}", f"is none of {', '.join(OBLIGATION_KEYS)}")
    due = str(entry.get("due"))
    met_by = reader.text(f"{path}.met_by", entry["met_by"]) if "met_by" in entry else None
    action = gated_action(gates) if met_by == APPROVAL else None
    for field, fault in obligation_faults(due, met_by, action).items():
        in_catalogue = "met_by" if field == "action" else field
        text = NO_GATE if field == "action" else fault
        reader.report(f"{path}.{in_catalogue}", text)
    return Obligation(
        id=reader.text(f"{path}.id", entry.get("id")),
        text=reader.text(f"{path}.text", entry.get("text")),
        due=due,
        met_by=evidence_of(due, met_by),
        action=action or "",
    )
