"""A batch of inputs as it is carried to the engine and back: what inputs share stands in it once.

One input is carried as it is: ``{"point": …, "inputs": [{…}]}``. The form of several is described
in ``inspector.rego``, which puts them together again for rules that judge input by input.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

Fields = dict[str, Any]

OWN: Final = ("id", "generation")
"""The fields of a candidate that are its own: they differ where the grants are the same."""

APART: Final = frozenset({"candidate", "trust"})
"""The fields of an input that are partly its own."""

NUMBERS: Final = (int, float)
"""The types of a number; true is none."""


def carried(point: DecisionPoint, inputs: Sequence[JsonObject]) -> JsonObject:
    """The document for the engine.

    What all inputs have in common is told by identity, which costs nothing: callers build a batch's
    inputs from the same caller and the same requirement. What is alike by chance is carried several
    times, but for candidates of a discovery with the same grants, which the rules judge together.
    """
    first, *others = inputs
    if not others:
        return {"point": point.value, "inputs": [first]}
    common = {
        name: value
        for name, value in first.items()
        if all(name in one and one[name] is value for one in others)
    }
    own = [{name: one[name] for name in one if name not in common} for one in inputs]
    groups = _groups(own) if point is DecisionPoint.DISCOVER else []
    grouped = {place for group in groups for place in group["at"]}
    alone = [place for place in range(len(own)) if place not in grouped]
    return {
        "point": point.value,
        "common": common,
        "inputs": [own[place] for place in alone],
        "at": alone,
        "groups": groups,
    }


def put_together(shared: Json, inputs: Sequence[JsonObject]) -> list[Json] | None:
    """The verdict of each input, in order, from those that several share; None for nonsense."""
    found: dict[int, Json] = {}
    entries: Any = shared
    try:
        for entry in entries:
            found.update(_verdicts(entry, inputs))
        return [found[place] for place in range(len(inputs))]
    except (LookupError, TypeError, AttributeError):
        return None


def _verdicts(shared: Mapping[str, Any], inputs: Sequence[Any]) -> Iterator[tuple[int, Json]]:
    """Each place of a verdict, and the verdict there."""
    verdict, columns = shared["verdict"], shared.get("own")
    if columns is None:
        yield from ((place, verdict) for place in shared["at"])
        return
    reasons = verdict["reasons"]
    in_parts = any("parts" in reason for reason in reasons)
    for index, place in enumerate(shared["at"]):
        one = {**verdict, **{field: column[index] for field, column in columns.items()}}
        if in_parts:
            candidate = inputs[place]["candidate"]["id"]
            one["reasons"] = [_reason(reason, index, candidate) for reason in reasons]
        yield place, one


def _reason(reason: Mapping[str, Any], index: int, candidate: str) -> JsonObject:
    """A reason with its text: what is in parts is joined by each one's own, or the candidate."""
    if "parts" not in reason:
        return reason
    between = reason["with"][index] if "with" in reason else candidate
    return {"rule": reason["rule"], "text": between.join(reason["parts"])}


def _groups(inputs: Sequence[Fields]) -> list[Fields]:
    """Those inputs of a discovery that share grants and certificates with another one."""
    groups: dict[object, Fields] = {}
    for place, one in enumerate(inputs):
        apart = _apart(one)
        if apart is None:
            continue
        group = groups.get(apart.key)
        if group is None:
            group = groups[apart.key] = _group(one, apart)
        for name, value in apart.candidate.items():
            group["candidates"][name].append(value)
        group["general"].append(apart.general)
        group["totals"].append(apart.totals)
        group["at"].append(place)
    return [group for group in groups.values() if len(group["at"]) > 1]


class _Apart(NamedTuple):
    """An ordinary input: what tells its group, and what is its own."""

    key: object
    grants: Fields
    candidate: Fields
    certified: Fields
    general: Json
    totals: list[float]


def _group(one: Fields, apart: _Apart) -> Fields:
    """The group of an input, still empty."""
    return {
        "alike": {**one, "candidate": apart.grants, "trust": apart.certified},
        "candidates": {name: [] for name in apart.candidate},
        "general": [],
        "capabilities": list(apart.certified["by_capability"]),
        "totals": [],
        "at": [],
    }


def _apart(one: Fields) -> _Apart | None:
    """None for what is no ordinary input: without an id, or a total of trust that is no number."""
    grants, trust = one.get("candidate"), one.get("trust")
    if not isinstance(grants, dict) or not isinstance(trust, dict) or "general" not in trust:
        return None
    scores = trust.get("by_capability")
    if not isinstance(grants.get("id"), str) or not isinstance(scores, dict):
        return None
    certificates: Fields = {}
    totals: list[float] = []
    for capability, score in scores.items():
        if not isinstance(score, dict) or type(score.get("total")) not in NUMBERS:
            return None
        certificates[capability] = certificate = score.copy()
        totals.append(certificate.pop("total"))
    grants, certified = grants.copy(), trust.copy()
    candidate = {name: grants.pop(name) for name in OWN if name in grants}
    general = certified.pop("general")
    certified["by_capability"] = certificates
    try:
        written = orjson.dumps((grants, certified))
    except TypeError:  # an integer beyond 64 bits
        return None
    key: tuple[object, ...] = (written, *candidate)
    if len(one) > len(APART):
        key += tuple((name, id(value)) for name, value in one.items() if name not in APART)
    return _Apart(key, grants, candidate, certified, general, totals)
