"""The agents' comparison on the real records: measured, and the same every time."""

import pytest

from examples.stewardship.analysis import batches, breaches, proposal, quality, worth_a_look
from examples.stewardship.linkage import People, candidates, compare, people


@pytest.fixture(scope="module")
def found() -> People:
    return people()


def test_what_is_proposed_is_right_and_nearly_complete(found: People) -> None:
    pairs = candidates(found)
    findings = worth_a_look(compare(found, pairs))
    sure = proposal(findings, breaches(findings), at_least=0.6)
    measured = quality([(left, right) for left, right in sure["pairs"]], found.known)
    told = f"{len(found.records)} records, {len(pairs)} pairs compared: {measured}"
    print(f"\n{told}")  # what the agents find is worth reading
    assert measured.precision == 1.0
    assert measured.recall > 0.95


def test_comparing_in_batches_finds_what_comparing_at_once_finds(found: People) -> None:
    pairs = candidates(found)[:900]
    at_once = compare(found, pairs)
    in_batches = [finding for batch in batches(pairs, 250) for finding in compare(found, batch)]
    assert sorted(in_batches) == sorted(at_once)


def test_a_proposal_fits_into_what_a_human_can_be_shown(found: People) -> None:
    findings = worth_a_look(compare(found, candidates(found)))
    assert len(str(proposal(findings, [], at_least=0.55))) < 64 * 1024
