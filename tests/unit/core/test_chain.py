"""The hash chain: any change, gap, swap or cut of its links is found."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.chain import GENESIS, Head, Link, chained, extend, faults

LEAVES = st.lists(
    st.binary(min_size=32, max_size=32).map(lambda b: f"sha256:{b.hex()}"), min_size=1, unique=True
)


def head_of(links: tuple[Link, ...]) -> Head:
    return Head(links[-1].sequence, links[-1].chain_hash) if links else Head()


@given(LEAVES)
def test_an_untouched_chain_has_no_fault(leaves: list[str]) -> None:
    links = extend(Head(), leaves)
    assert faults(links, after=Head(), until=head_of(links)) == ()
    assert links[0].chain_hash == chained(GENESIS, leaves[0])


@given(LEAVES, st.data())
def test_a_chain_can_be_checked_and_extended_from_anywhere(
    leaves: list[str], data: st.DataObject
) -> None:
    links = extend(Head(), leaves)
    cut = data.draw(st.integers(0, len(links)))
    behind = extend(head_of(links[:cut]), leaves[cut:])
    assert links[:cut] + behind == links
    assert faults(behind, after=head_of(links[:cut]), until=head_of(links)) == ()


@given(LEAVES, st.data())
def test_a_forged_leaf_is_found(leaves: list[str], data: st.DataObject) -> None:
    links = list(extend(Head(), leaves))
    at = data.draw(st.integers(0, len(links) - 1))
    links[at] = replace(links[at], leaf_hash="sha256:forged")
    assert faults(links, after=Head(), until=head_of(extend(Head(), leaves)))


@given(LEAVES, st.data())
def test_a_missing_link_is_found_wherever_it_was(leaves: list[str], data: st.DataObject) -> None:
    links = extend(Head(), leaves)
    at = data.draw(st.integers(0, len(links) - 1))
    assert faults(links[:at] + links[at + 1 :], after=Head(), until=head_of(links))


@given(LEAVES.filter(lambda leaves: len(leaves) > 1), st.data())
def test_swapped_leaves_are_found(leaves: list[str], data: st.DataObject) -> None:
    links = extend(Head(), leaves)
    at = data.draw(st.integers(0, len(links) - 2))
    swapped = list(links)
    swapped[at] = replace(links[at], leaf_hash=links[at + 1].leaf_hash)
    swapped[at + 1] = replace(links[at + 1], leaf_hash=links[at].leaf_hash)
    assert faults(swapped, after=Head(), until=head_of(links))
