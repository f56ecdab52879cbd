"""Sets of row numbers by what participants have: a capability, a domain, a state, a task type."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from pyroaring import BitMap

from registry_svc.domain.discovery import Requirement
from registry_svc.domain.discovery_index import Indexed

Name: TypeAlias = tuple[str, str]
CAPABILITY: Final = "capability"
DOMAIN: Final = "domain"
STATUS: Final = "status"
TASK_TYPE: Final = "task_type"
ANY_TASK: Final[Name] = (TASK_TYPE, "")
"""Those who declare no task types take every task."""
NOBODY: Final = BitMap()


class NamedSet:
    """The rows that have one thing."""

    __slots__ = ("name", "numbers")

    def __init__(self, name: Name) -> None:
        self.name = name
        self.numbers = BitMap()


class NamedSets:
    """A set for each thing that somebody has, and the set of all rows."""

    def __init__(self) -> None:
        self._sets: dict[Name, NamedSet] = {}
        self._all = BitMap()

    def add(self, number: int, row: Indexed) -> tuple[NamedSet, ...]:
        """Put a row into its sets, and answer them."""
        self._all.add(number)
        found = tuple(self._named(name) for name in _names(row))
        for one in found:
            one.numbers.add(number)
        return found

    def discard(self, number: int, sets: Iterable[NamedSet]) -> None:
        """Take a row out of the sets that `add` answered."""
        self._all.discard(number)
        for one in sets:
            one.numbers.discard(number)
            if not one.numbers:
                self._sets.pop(one.name, None)

    def matching(self, requirement: Requirement) -> BitMap:
        """The rows that `domain.discovery.matches` is true for."""
        required = [self._of(CAPABILITY, one) for one in requirement.required_capabilities]
        required += [self._of(DOMAIN, one) for one in requirement.data_domains]
        statuses = [self._of(STATUS, one.value) for one in requirement.statuses]
        required.append(BitMap.union(*statuses))
        if requirement.task_type:
            required.append(self._of(TASK_TYPE, requirement.task_type) | self._of(*ANY_TASK))
        required.sort(key=len)
        return BitMap.intersection(*required)

    def near(self, requirement: Requirement) -> BitMap:
        """The rows that have one of the capabilities; all where none is required."""
        capabilities: Sequence[str] = requirement.required_capabilities
        if not capabilities:
            return self._all
        return BitMap.union(*(self._of(CAPABILITY, one) for one in capabilities))

    def _named(self, name: Name) -> NamedSet:
        found = self._sets.get(name)
        if found is None:
            found = self._sets[name] = NamedSet(name)
        return found

    def _of(self, kind: str, name: str) -> BitMap:
        found = self._sets.get((kind, name))
        return NOBODY if found is None else found.numbers


def _names(row: Indexed) -> list[Name]:
    names = [(CAPABILITY, one) for one in row.capabilities]
    names += [(DOMAIN, one) for one in row.data_domains]
    names += [(TASK_TYPE, one) for one in set(row.task_types)] or [ANY_TASK]
    names.append((STATUS, row.status.value))
    return names
