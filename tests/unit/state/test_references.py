import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_runtime.core.errors import FieldInvalid
from state_svc.domain.reference import (
    HandoffProtocol,
    ReferencePlaces,
    StateReference,
    check_reference,
    names_version,
)

HASH = "sha256:" + "0" * 64
PLACES = ReferencePlaces(
    {
        "acme": ("s3://contexts/acme/", "langgraph://threads"),
        "*": ("postgresql+row://warehouse/",),
    }
)


def fields_refused(
    state_ref: str,
    *,
    tenant: str = "acme",
    content_hash: str = HASH,
    owner: str = "data-governance",
) -> set[str]:
    try:
        check_reference(StateReference(state_ref, content_hash, owner), tenant, PLACES)
    except FieldInvalid as refused:
        return {v.field for v in refused.violations}
    return set()


@pytest.mark.parametrize(
    "state_ref",
    [
        "s3://contexts/acme/8841/findings.json?versionId=3HL4kqt",
        "s3://contexts/acme/8841/findings.json@v7",
        "langgraph://threads/8841?checkpoint_id=1ef4f797",
        "langgraph://threads/8841#1ef4f797",
        "postgresql+row://warehouse/public/findings/8841?xmin=771",
    ],
)
def test_a_configured_place_with_a_version_is_taken(state_ref: str) -> None:
    assert fields_refused(state_ref) == set()


@pytest.mark.parametrize(
    "state_ref",
    [
        "s3://contexts/acme/findings.json",
        "s3://contexts/acme/findings.json@latest",
        "s3://contexts/acme/findings.json?versionId=null",
        "s3://contexts/acme/findings.json@",
        "s3://contexts/acme/findings.json?page=2",
        "langgraph://threads/8841#HEAD",
    ],
)
def test_a_reference_to_something_that_moves_is_refused(state_ref: str) -> None:
    assert fields_refused(state_ref) == {"state_ref"}


@pytest.mark.parametrize(
    "state_ref",
    [
        "",
        "s3://contexts/globex/a@1",
        "s3://contexts/acmeevil/a@1",
        "s3://contexts/acme/",
        "s3://contexts/acme/../globex/a@1",
        "s3://contexts/acme/%2E%2e/globex/a@1",
        "s3://key:secret@contexts/acme/a@1",
        "langgraph://threads-of-others/8841#1",
        "https://contexts/acme/a@1",
        "S3://contexts/acme/a@1",
        "s3://contexts/acme/a b@1",
        "s3://contexts/acme/a\x00@1",
        "s3://contexts/acme/" + "a" * 2000 + "@1",
        "s3://[contexts/acme/a@1",
    ],
)
def test_a_reference_outside_the_tenants_places_is_refused(state_ref: str) -> None:
    assert fields_refused(state_ref) == {"state_ref"}


def test_places_of_one_tenant_are_closed_to_another() -> None:
    ours = "s3://contexts/acme/a@1"
    assert fields_refused(ours) == set()
    assert fields_refused(ours, tenant="globex") == {"state_ref"}


def test_everything_wrong_is_named_at_once() -> None:
    found = fields_refused("ftp://a", content_hash="md5:1", owner="o" * 200)
    assert found == {"state_ref", "hash", "owner"}


def test_the_protocol_is_read_in_place_where_nothing_is_said() -> None:
    reference = StateReference("s3://contexts/acme/a@1", HASH, "owner")
    assert reference.handoff_protocol is HandoffProtocol.READ_IN_PLACE


@given(st.text(max_size=80))
def test_no_text_crashes_the_rules(text: str) -> None:
    for state_ref in (text, "s3://contexts/acme/" + text):
        fields_refused(state_ref)
        if state_ref.isascii() and state_ref.isprintable() and "[" not in state_ref:
            names_version(state_ref)
