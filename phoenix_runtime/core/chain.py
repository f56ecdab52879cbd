"""The hash chain of a tenant's ledger: each event binds all that came before it (I7)."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GENESIS = "sha256:" + "0" * 64
"""What the first event of a tenant is chained to."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest end of a chain: ``sequence`` 0 and `GENESIS` where nothing was appended yet."""

    sequence: int = 0
    chain_hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Link:
    """What is chained of one event."""

    sequence: int
    leaf_hash: str
    chain_hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the chain is broken, and how."""

    sequence: int
    text: str


def chained(previous: str, leaf_hash: str) -> str:
    """The chain hash after ``leaf_hash``: SHA-256 of the previous chain hash and the leaf."""
    return "sha256:" + hashlib.sha256(f"{previous}{leaf_hash}".encode()).hexdigest()


def extend(head: Head, leaves: Sequence[str]) -> tuple[Link, ...]:
    """The links that ``leaves`` become behind ``head``, in order."""
    links = []
    previous = head.chain_hash
    for sequence, leaf_hash in enumerate(leaves, start=head.sequence + 1):
        previous = chained(previous, leaf_hash)
        links.append(Link(sequence, leaf_hash, previous))
    return tuple(links)


def faults(links: Iterable[Link], *, after: Head, until: Head | None = None) -> tuple[Fault, ...]:
    """What is wrong with ``links`` (in order) behind ``after``; () where nothing is.

    ``until`` is the recorded head: a chain that ends before it has lost its tail.
    """
    found: list[Fault] = []
    previous = after
    for link in links:
        if link.sequence != previous.sequence + 1:
            text = f"sequence {previous.sequence} is followed by {link.sequence}"
            found.append(Fault(link.sequence, text))
        elif link.chain_hash != chained(previous.chain_hash, link.leaf_hash):
            found.append(Fault(link.sequence, "the chain hash is not that of its predecessor"))
        previous = Head(link.sequence, link.chain_hash)
    if until is not None and previous != until:
        text = f"the chain ends at {previous.sequence}, the head says {until.sequence}"
        found.append(Fault(previous.sequence + 1, text))
    return tuple(found)
