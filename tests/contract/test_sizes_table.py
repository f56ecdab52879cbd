"""Every RPC says in docs/sizes.md what bounds its answer, and the schema agrees."""

import re
from collections.abc import Collection
from pathlib import Path

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from phoenix_runtime.chassis.schema import Rpc, rpcs

ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", re.MULTILINE)
ROOT = Path(__file__).parents[2]
TABLE = {name: bound for name, bound, _ in ROW.findall((ROOT / "docs" / "sizes.md").read_text())}
RPCS: dict[str, Rpc] = {rpc.method: rpc for rpc in rpcs().values()}
STRUCT = "google.protobuf.Struct"
SHOWN = {"GetCatalogue", "TryPolicy", "AuthorizeAction", "ExplainAssignment"}
"""Answers with free JSON that is no document of a caller: a catalogue, the facts of a verdict."""
SMALL = {"Participant", "ParticipantDeclaration", "Approval", "PolicyVerdict", "AuditEvent"}
"""Messages whose JSON has a limit of its own, far below a document's."""


def test_every_rpc_has_a_row_and_every_row_an_rpc() -> None:
    assert set(TABLE) == set(RPCS)
    assert set(TABLE.values()) == {"page", "document", "resource", "request"}


def test_a_page_is_what_has_a_token_and_nothing_else() -> None:
    tokens = {name: "next_page_token" in _fields(rpc.response) for name, rpc in RPCS.items()}
    paged = {name for name, token in tokens.items() if token}
    assert {name for name, bound in TABLE.items() if bound == "page"} == paged
    for name in paged:
        assert "page_token" in _fields(RPCS[name].request), name


def test_every_page_is_made_where_bytes_are_counted() -> None:
    """`chassis.rpc.pages.page_to_pb` makes them; state passes on what assignment has counted, and
    the registry's search counts while it walks."""
    passed_on = {"state_svc/api/convert.py"}
    by_count = {
        str(path.relative_to(ROOT))
        for service in ("assignment_svc", "governance_svc", "registry_svc", "state_svc")
        for path in (ROOT / service / "api").glob("*.py")
        if "next_page_token=page.next_token" in path.read_text()
    }
    assert by_count == passed_on


def test_an_answer_that_carries_a_callers_json_is_bounded_as_a_document_or_a_page() -> None:
    for name, rpc in RPCS.items():
        if name not in SHOWN and _documents(rpc.response.DESCRIPTOR):
            # A task carries its result only where the one task is what was asked for.
            only_a_task = _places(rpc.response.DESCRIPTOR, frozenset()) <= {"Task.result"}
            assert only_a_task or TABLE[name] in {"document", "page"}, name


def _fields(message: type[Message]) -> Collection[str]:
    return message.DESCRIPTOR.fields_by_name.keys()


def _documents(message: Descriptor) -> bool:
    """Whether a document of a caller can stand anywhere in ``message``."""
    return bool(_places(message, frozenset()))


def _places(message: Descriptor, above: frozenset[str]) -> set[str]:
    if message.name in above or message.name in SMALL:
        return set()
    found: set[str] = set()
    for field in message.fields:
        inner = field.message_type
        if inner is None:
            continue
        if inner.full_name == STRUCT:
            found.add(f"{message.name}.{field.name}")
        else:
            found |= _places(inner, above | {message.name})
    return found
