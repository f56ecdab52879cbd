"""What the agents know about duplicates, as pure functions: no data set, no runtime, no chance.

A *finding* is a pair of records that look like one person, with the share of fields that agree and
which ones. Pairs are ordered by id, so that the same pair is always the same two texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

Pair = tuple[str, str]

WORTH_A_LOOK: Final = 0.55
"""From this score on a pair is found; the share of agreeing fields, from 0 to 1."""
SURE: Final = 0.6
"""From this score on a pair is proposed to be merged once a human has asked for more certainty."""
IDENTITY_FIELDS: Final = ("date_of_birth", "soc_sec_id")
"""One of these has to agree: names and addresses are shared by families."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Two records that look like one person; ``score`` from 0 to 1, ``agree`` the fields."""

    left: str
    right: str
    score: float
    agree: tuple[str, ...]

    @property
    def pair(self) -> Pair:
        """The two ids in order."""
        return self.left, self.right

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "agree": list(self.agree)}


def finding_of(document: Mapping[str, Any]) -> Finding:
    """From JSON; raises KeyError for what is none."""
    return Finding(
        left=document["left"],
        right=document["right"],
        score=float(document["score"]),
        agree=tuple(document["agree"]),
    )


@dataclass(frozen=True, slots=True)
class Quality:
    """How good findings are, measured against the known duplicates."""

    found: int
    known: int
    right: int

    @property
    def precision(self) -> float:
        """The share of what was found that is right; 1 where nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of what is known that was found; 1 where nothing is known."""
        return self.right / self.known if self.known else 1.0

    def __str__(self) -> str:
        return (
            f"precision {self.precision:.3f}, recall {self.recall:.3f} "
            f"({self.right} right of {self.found} found, {self.known} known)"
        )


def ordered(left: str, right: str) -> Pair:
    """The pair in its one order."""
    return (left, right) if left <= right else (right, left)


def batches(pairs: Iterable[Pair], size: int) -> Iterator[list[Pair]]:
    """The pairs in their one order, ``size`` at a time; raises ValueError below 1."""
    if size < 1:
        raise ValueError("a batch holds at least one pair")
    sequence = sorted(set(pairs))
    for start in range(0, len(sequence), size):
        yield sequence[start : start + size]


def worth_a_look(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are kept, in order."""
    return sorted(finding for finding in findings if finding.score >= WORTH_A_LOOK)


def quality(found: Iterable[Pair], known: Iterable[Pair]) -> Quality:
    """Precision and recall of what was found."""
    found_pairs, known_pairs = set(found), set(known)
    return Quality(len(found_pairs), len(known_pairs), len(found_pairs & known_pairs))


def breaches(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """What speaks against merging ``findings``: the policy agent's rules, each breach named.

    A record is merged once at most, or two people become one through a third; and something that
    families do not share has to agree.
    """
    seen: dict[str, Pair] = {}
    found: list[dict[str, str]] = []
    for finding in sorted(findings, key=lambda finding: (-finding.score, finding.pair)):
        for record in finding.pair:
            if record in seen:
                found.append(
                    _breach(
                        finding,
                        "merged_once",
                        f"{record} is merged with {_other(seen[record], record)} already",
                    )
                )
            seen.setdefault(record, finding.pair)
        if not set(finding.agree) & set(IDENTITY_FIELDS):
            said = f"none of {', '.join(IDENTITY_FIELDS)} agrees"
            found.append(_breach(finding, "identity_agrees", said))
    return found


def _other(pair: Pair, record: str) -> str:
    return pair[1] if pair[0] == record else pair[0]


def _breach(finding: Finding, rule: str, text: str) -> dict[str, str]:
    return {"left": finding.left, "right": finding.right, "rule": rule, "text": text}


def proposal(
    findings: Sequence[Finding], against: Iterable[Mapping[str, str]], *, at_least: float
) -> dict[str, Any]:
    """The merge that a human is shown: which pairs, why these, and what was left out.

    Pairs against which a breach was recorded are left out, and those below ``at_least``.
    """
    barred = {(breach["left"], breach["right"]) for breach in against}
    chosen = [f for f in sorted(findings) if f.score >= at_least and f.pair not in barred]
    lowest = min((finding.score for finding in chosen), default=at_least)
    return {
        "action": "merge",
        "at_least": at_least,
        "lowest_score": lowest,
        "left_out": len(findings) - len(chosen),
        "pairs": [list(finding.pair) for finding in chosen],
    }


def golden_records(
    pairs: Iterable[Sequence[str]], records: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """One record a pair, under the first id: each field from whichever record has the longer text.

    Deterministic: the same pairs and records make the same golden records.
    """
    made: dict[str, dict[str, str]] = {}
    for left, right in pairs:
        kept, other = ordered(left, right)
        fields = sorted(set(records[kept]) | set(records[other]))
        made[kept] = {name: _better(records[kept], records[other], name) for name in fields}
    return made


def _better(kept: Mapping[str, str], other: Mapping[str, str], name: str) -> str:
    left, right = kept.get(name, ""), other.get(name, "")
    return left if len(left) >= len(right) else right
