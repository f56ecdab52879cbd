"""POLICY_UPLOADED: each proposal of an overlay stands in the audit, once, before it decides."""

from typing import Any

import pytest

from phoenix_dma.v1 import governance_pb2
from phoenix_runtime.core.errors import FieldInvalid, NotPermitted, PolicyDenied
from phoenix_runtime.core.verdict import Effect
from tests.integration.governance.conftest import Governance
from tests.integration.governance.participants import audited
from tests.integration.governance.policies import activate, decide, overlay, propose, upload
from tests.support.builders.overlays import TESTS
from tests.support.waiting.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def uploads(governance: Governance, count: int) -> Any:
    """The events, once there are so many, the oldest first."""
    found = await until(lambda: audited(governance, "POLICY_UPLOADED", count))
    return sorted(found, key=lambda event: event.sequence)


async def test_an_upload_is_audited_with_what_was_kept_and_decides_nothing(
    governance: Governance,
) -> None:
    kept = await upload(governance)
    [event] = await uploads(governance, 1)
    assert (event.actor, event.new_state) == ("ann", kept.policy_revision)
    detail = event.detail
    assert detail["overlay_revision"] == kept.overlay_revision
    assert detail["policy_revision"] == kept.policy_revision
    assert list(detail["files"]) == sorted(overlay().files)
    assert dict(detail["tests"]) == {"passed": 1, "failed": 0}
    assert (detail["note"], list(detail["replaced"])) == ("payments", list(kept.replaced))
    assert (await decide(governance, 9_000)).effect is Effect.DENY


async def test_what_is_pending_is_uploaded_once_whoever_does_it_again(
    governance: Governance,
) -> None:
    first = await upload(governance)
    for by in ("ann", "bob"):
        again = await upload(governance, by=by)
        assert (again.overlay_revision, again.uploaded_by) == (first.overlay_revision, "ann")
    await activate(governance, first.overlay_revision)
    shipped = await propose(governance, "", by="bob")
    await activate(governance, shipped.overlay_revision, by="ann")
    await propose(governance, first.overlay_revision, by="bob")  # policy has left it behind
    events = await uploads(governance, 3)
    assert [event.actor for event in events] == ["ann", "bob", "bob"]
    revisions = [event.detail["overlay_revision"] for event in events]
    assert revisions == [first.overlay_revision, shipped.overlay_revision, first.overlay_revision]


async def test_a_request_id_uploads_once(governance: Governance) -> None:
    request = governance_pb2.UploadPolicyRequest(
        overlay=overlay(), note="once", request_id="upload.1"
    )
    method = governance.policies.UploadPolicy
    answers = [
        await governance.as_person(method, request, "policy_admin", sub="ann") for _ in range(2)
    ]
    assert answers[0] == answers[1]
    [event] = await uploads(governance, 1)
    assert event.event_id == answers[0].receipt.audit_event_id


async def test_what_is_only_checked_or_refused_is_not_uploaded(governance: Governance) -> None:
    method = governance.policies.ValidatePolicy
    request = governance_pb2.ValidatePolicyRequest(overlay=overlay())
    checked = await governance.as_person(method, request, "policy_admin", sub="ann")
    with pytest.raises(FieldInvalid, match="the test fails"):
        await upload(governance, tests=TESTS.replace("9000", "12000"))
    kept = await upload(governance)
    assert checked.policy.overlay_revision == kept.overlay_revision
    [event] = await uploads(governance, 1)
    assert event.detail["overlay_revision"] == kept.overlay_revision


ROOT: dict[str, Any] = {"credential": "root", "holder": "operator", "enrolled_by": []}
BY_ROOT = [["root", "operator"]]


def person(name: str) -> dict[str, Any]:
    """A person with an enrolment of their own, made through the operator's."""
    return {"credential": f"e.{name}", "holder": name, "enrolled_by": BY_ROOT}


@pytest.mark.parametrize(
    ("uploader", "activator"),
    [(ROOT, ROOT), (ROOT, person("bob")), (person("ann"), ROOT)],
    ids=["shared", "enrolled by who uploads", "who enrolled the uploader"],
)
async def test_two_names_of_one_credential_are_no_two_persons(
    governance: Governance, uploader: dict[str, Any], activator: dict[str, Any]
) -> None:
    request = governance_pb2.UploadPolicyRequest(overlay=overlay(), note="payments")
    upload_it, activate_it = governance.policies.UploadPolicy, governance.policies.ActivatePolicy
    kept = await governance.as_person(upload_it, request, "policy_admin", sub="ann", **uploader)
    wanted = governance_pb2.ActivatePolicyRequest(overlay_revision=kept.policy.overlay_revision)
    with pytest.raises(NotPermitted, match="may be one person: both have root") as refused:
        await governance.as_person(activate_it, wanted, "policy_admin", sub="bob", **activator)
    assert "phoenix-dma user add" in refused.value.remedy
    [event] = await until(lambda: audited(governance, "ACCESS_REFUSED", 1))
    assert (event.reason_code, event.detail["attempted"]) == ("same_descent", "policy.activate")
    assert (await decide(governance, 9_000)).effect is Effect.DENY


async def test_two_persons_whom_one_operator_enrolled_change_policy_though_they_take_part(
    governance: Governance,
) -> None:
    def takes_part(name: str) -> dict[str, Any]:
        return {"participant": name, "participant_type": "human", "owner": name, **person(name)}

    request = governance_pb2.UploadPolicyRequest(overlay=overlay(), note="payments")
    upload_it, activate_it = governance.policies.UploadPolicy, governance.policies.ActivatePolicy
    roles = ("participant", "policy_admin")
    kept = await governance.as_person(upload_it, request, *roles, sub="ann", **takes_part("ann"))
    wanted = governance_pb2.ActivatePolicyRequest(overlay_revision=kept.policy.overlay_revision)
    with pytest.raises(PolicyDenied, match="not activate it alone"):
        await governance.as_person(activate_it, wanted, *roles, sub="ann", **takes_part("ann"))
    done = await governance.as_person(activate_it, wanted, *roles, sub="bob", **takes_part("bob"))
    assert done.policy.active


async def test_what_one_hand_uploaded_is_proposed_anew_by_whom_it_enrolled(
    governance: Governance,
) -> None:
    """Otherwise nobody whom the operator enrolled could ever activate it."""
    request = governance_pb2.UploadPolicyRequest(overlay=overlay(), note="payments")
    method = governance.policies.UploadPolicy
    for name, descent in (("operator", ROOT), ("ann", person("ann")), ("bob", person("bob"))):
        kept = await governance.as_person(method, request, "policy_admin", sub=name, **descent)
        assert kept.policy.uploaded_by == ("operator" if name == "operator" else "ann")
    wanted = governance_pb2.ActivatePolicyRequest(overlay_revision=kept.policy.overlay_revision)
    activate_it = governance.policies.ActivatePolicy
    done = await governance.as_person(
        activate_it, wanted, "policy_admin", sub="bob", **person("bob")
    )
    assert done.policy.active
