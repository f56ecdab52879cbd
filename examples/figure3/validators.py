"""The user's half of Figure 3: a plain rule over candidate pairs, without any model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIELDS = ("given_name", "surname", "date_of_birth", "postcode")
ENOUGH = 0.75


def validate_customer_candidates(context: Mapping[str, Any]) -> dict[str, Any]:
    """Say of each candidate pair whether it is the same customer, and on how many fields it rests.

    ``context`` is the submitted input (``{"candidates": [[left, right], …]}``) or, after a handoff,
    a context document that holds it under ``inputs``.
    """
    candidates = context.get("inputs", context).get("candidates", [])
    judged = [judge(left, right) for left, right in candidates]
    return {"judged": judged, "duplicates": sum(pair["duplicate"] for pair in judged)}


def judge(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """One pair: the share of fields that agree, and what follows from it."""
    agree = [field for field in FIELDS if same(left.get(field), right.get(field))]
    score = len(agree) / len(FIELDS)
    return {
        "pair": [left.get("id"), right.get("id")],
        "agree": agree,
        "score": score,
        "duplicate": score >= ENOUGH,
    }


def same(left: object, right: object) -> bool:
    """Equal as people write: letter case and blanks do not count; what is missing never agrees."""
    if left is None or right is None:
        return False
    return str(left).replace(" ", "").casefold() == str(right).replace(" ", "").casefold()
