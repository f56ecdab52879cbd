"""Labels that stand in the order of the ids, whichever way the ids come."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_svc.adapters.discovery_index.labels import Labels


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([f"{n:03}" for n in range(200)]))))
def test_labels_stand_in_the_order_of_the_ids(steps: list[tuple[bool, str]]) -> None:
    found: dict[str, int] = {}
    labels = Labels(found.__setitem__)
    for added, name in steps:
        if not added:
            labels.remove(name)
            found.pop(name, None)
        elif name not in found:
            found[name] = labels.add(name)
    assert sorted(found, key=found.__getitem__) == sorted(found)
    assert len(set(found.values())) == len(found)
    for name in ("", "100", "999"):
        assert labels.up_to(name) == max((found[one] for one in found if one <= name), default=0)


@pytest.mark.parametrize("order", ["forwards", "backwards", "inwards", "anyhow"])
def test_few_labels_are_given_anew_in_whichever_order_the_ids_come(order: str) -> None:
    count, again = 3000, 0
    numbers = {
        "forwards": list(range(count)),
        "backwards": list(reversed(range(count))),
        "inwards": [number // 2 if number % 2 else -number // 2 for number in range(count)],
        "anyhow": random.Random(1).sample(range(count), count),  # noqa: S311  # no secret
    }[order]
    found: dict[str, int] = {}

    def relabel(name: str, label: int) -> None:
        nonlocal again
        again += 1
        found[name] = label

    labels = Labels(relabel)
    for number in numbers:
        name = f"{number % count:05}"
        found[name] = labels.add(name)
    assert sorted(found, key=found.__getitem__) == sorted(found)
    assert again < 5 * count
