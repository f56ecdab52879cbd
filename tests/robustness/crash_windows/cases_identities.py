"""Cases of the issuer's records: who is enrolled, for what, and who is it no longer."""

from __future__ import annotations

from dataclasses import replace

from phoenix_dma.aio.rpc.credentials import GivenCredential
from phoenix_dma.aio.runtime_api import RuntimeApi
from phoenix_dma.v1 import governed_pb2, identity_pb2
from tests.e2e.scenarios.scenario import STEWARD, Scenario
from tests.robustness.crash_windows.ends import in_ledger
from tests.robustness.crash_windows.windows import CrashCase, Operation, request, verb

JANE = "human.steward.jane"
OWNER = "data-governance"


async def _enrol(
    api: RuntimeApi, message: identity_pb2.CreateEnrolmentRequest
) -> identity_pb2.CreateEnrolmentResponse:
    return await api.ask(api.stubs.identity.CreateEnrolment, message)


def _jane() -> identity_pb2.CreateEnrolmentRequest:
    return identity_pb2.CreateEnrolmentRequest(
        kind=identity_pb2.ENROLMENT_KIND_PERSON, identity=JANE
    )


async def _enrolments(api: RuntimeApi) -> list[identity_pb2.Enrolment]:
    wanted = identity_pb2.ListEnrolmentsRequest()
    return list((await api.ask(api.stubs.identity.ListEnrolments, wanted)).enrolments)


async def ordering(scenario: Scenario) -> Operation:
    operator = await scenario.operator()

    async def finish(answer: identity_pb2.CreateEnrolmentResponse) -> None:
        (kept,) = await _enrolments(operator)
        assert kept.enrolment_id == answer.enrolment.enrolment_id
        await in_ledger(scenario, "IDENTITY_ENROLLED")

    method = operator.stubs.identity.CreateEnrolment
    operation = request(operator, method, _jane(), {"IDENTITY_ENROLLED": 1}, finish)
    # The credential is not stored: each answer signs it anew, for the same record.
    return replace(operation, remembered=False)


async def choosing(scenario: Scenario) -> Operation:
    """An enrolment for one identity to be chosen: the first that is enrolled with it."""
    operator = await scenario.operator()
    order = identity_pb2.CreateEnrolmentRequest(kind=identity_pb2.ENROLMENT_KIND_PARTICIPANT)
    made = await _enrol(operator, order)
    bearer = RuntimeApi(await scenario.transport(), GivenCredential(made.credential))
    message = identity_pb2.EnrolRequest(participant_id=STEWARD, owner=OWNER)

    async def finish(answer: identity_pb2.EnrolResponse) -> None:
        assert answer.credential
        (kept,) = await _enrolments(operator)
        assert kept.identity == STEWARD

    method = bearer.stubs.identity.Enrol
    operation = request(bearer, method, message, {"IDENTITY_ENROLLED": 2}, finish)
    return replace(operation, remembered=False)


async def changing_roles(scenario: Scenario) -> Operation:
    operator = await scenario.operator()
    await _enrol(operator, _jane())
    message = identity_pb2.ChangeRolesRequest(identity=JANE, grant=[governed_pb2.ROLE_AUDITOR])

    async def finish(_: object) -> None:
        (kept,) = await _enrolments(operator)
        assert governed_pb2.ROLE_AUDITOR in kept.roles

    method = operator.stubs.identity.ChangeRoles
    return request(operator, method, message, {"IDENTITY_ROLES_CHANGED": 1}, finish)


async def disabling(scenario: Scenario) -> Operation:
    operator = await scenario.operator()
    await _enrol(operator, _jane())
    message = identity_pb2.DisableIdentityRequest(identity=JANE, reason="left the company")

    async def finish(_: object) -> None:
        (kept,) = await _enrolments(operator)
        assert kept.status == identity_pb2.ENROLMENT_STATUS_DISABLED

    method = operator.stubs.identity.DisableIdentity
    return request(operator, method, message, {"IDENTITY_DISABLED": 1}, finish)


REGISTRY = "registry"
IDENTITIES = (
    CrashCase("ordering", REGISTRY, verb("CreateEnrolment"), ordering),
    CrashCase("choosing", REGISTRY, verb("Enrol"), choosing, late=True),
    CrashCase("changing-roles", REGISTRY, verb("ChangeRoles"), changing_roles),
    CrashCase("disabling", REGISTRY, verb("DisableIdentity"), disabling),
)
