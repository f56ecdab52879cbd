"""The hashes of a batch's inputs, which their verdicts record."""

from collections.abc import Iterator, Sequence

from phoenix_runtime.core.json import Json, JsonObject, bytes_hash, canonical, content_hash


def input_hashes(inputs: Sequence[JsonObject]) -> Iterator[str]:
    """The `content_hash` of each input, in order; raises `NotCanonical` at the first without one.

    What several inputs hold as one and the same object, such as caller and requirement, is
    written canonically once.
    """
    written: dict[int, bytes] = {}
    for one in inputs:
        if all(name.isascii() for name in one):
            yield bytes_hash(b"{" + b",".join(_members(one, written)) + b"}")
        else:  # other names have an order of their own
            yield content_hash(one)


def _members(one: JsonObject, written: dict[int, bytes]) -> Iterator[bytes]:
    for name in sorted(one):
        yield canonical(name) + b":" + _canonical(one[name], written)


def _canonical(value: Json, written: dict[int, bytes]) -> bytes:
    # An id is good as long as its object lives: the inputs hold all of them.
    text = written.get(id(value))
    if text is None:
        text = written[id(value)] = canonical(value)
    return text
