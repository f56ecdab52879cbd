"""The roles that an enrolment of each kind may have, as words of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from phoenix_dma.cli.calls import word
from phoenix_dma.cli.output import bad
from phoenix_dma.v1 import governed_pb2

OF_PEOPLE: Final = ("submitter", "operator", "reviewer", "auditor", "policy_admin")
OF_OTHERS: Final = ("submitter", "auditor")
"""Only people operate, enrol and decide (docs/identities.md)."""
OF_TOKENS: Final = ("participant", *OF_PEOPLE)


def role_numbers(
    names: Sequence[str] | None, allowed: Sequence[str], option: str = "--role"
) -> list[Any]:
    """The numbers of roles; ends the command for one that is not ``allowed``."""
    for name in names or ():
        if name.lower() not in allowed:
            raise bad(f"{name!r} is none of: {', '.join(allowed)}", option)
    return [word(governed_pb2.Role, name, option) for name in names or ()]
