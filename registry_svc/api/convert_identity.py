"""Converts between identity messages and the values of the domain."""

from collections.abc import Iterable

from phoenix_dma.v1 import governed_pb2, identity_pb2
from phoenix_runtime.chassis.rpc.conversions import number, receipt_to_pb, short, time_to_pb
from phoenix_runtime.chassis.rpc.pages import page_to_pb
from phoenix_runtime.core.pages import Page
from phoenix_runtime.core.principal import Role
from registry_svc.domain.identity.enrolment import Credential, EnrolmentRequest
from registry_svc.domain.identity.orders import RawOrder
from registry_svc.domain.identity.records import Enrolment, EnrolmentFilter, EnrolmentKind
from registry_svc.usecases.identity.change_roles import RoleChange
from registry_svc.usecases.identity.create_enrolment import EnrolmentChange


def enrolment_from_pb(request: identity_pb2.EnrolRequest) -> EnrolmentRequest:
    """The credential that is asked for; an unspecified role counts as none."""
    return EnrolmentRequest(
        participant_id=request.participant_id,
        owner=request.owner,
        participant_type=request.participant_type,
        roles=_roles(request.roles),
    )


def order_from_pb(request: identity_pb2.CreateEnrolmentRequest) -> RawOrder:
    """The enrolment that is ordered, unchecked."""
    kind = short(identity_pb2.EnrolmentKind, request.kind)
    return RawOrder(
        kind=EnrolmentKind(kind) if kind else None,
        identity=request.identity,
        owner=request.owner,
        participant_type=request.participant_type,
        roles=_roles(request.roles),
    )


def role_change_from_pb(request: identity_pb2.ChangeRolesRequest) -> RoleChange:
    """Which roles are granted and revoked."""
    return RoleChange(request.identity, _roles(request.grant), _roles(request.revoke))


def enrolment_filter_from_pb(request: identity_pb2.ListEnrolmentsRequest) -> EnrolmentFilter:
    """Which records are listed."""
    kinds = [short(identity_pb2.EnrolmentKind, kind) for kind in request.kinds]
    return EnrolmentFilter(
        identity=request.identity,
        kinds=frozenset(EnrolmentKind(name) for name in kinds if name),
    )


def created_to_pb(change: EnrolmentChange) -> identity_pb2.CreateEnrolmentResponse:
    """The new record; the credential is added to each answer, and not stored with it."""
    return identity_pb2.CreateEnrolmentResponse(
        enrolment=enrolment_to_pb(change.records[0]),
        receipt=receipt_to_pb(change.receipt),
        warnings=change.warnings,
    )


def roles_changed_to_pb(change: EnrolmentChange) -> identity_pb2.ChangeRolesResponse:
    """The identity's enrolments with their roles."""
    return identity_pb2.ChangeRolesResponse(
        enrolments=[enrolment_to_pb(one) for one in change.records],
        receipt=receipt_to_pb(change.receipt),
    )


def disabled_to_pb(change: EnrolmentChange) -> identity_pb2.DisableIdentityResponse:
    """The identity's enrolments."""
    return identity_pb2.DisableIdentityResponse(
        enrolments=[enrolment_to_pb(one) for one in change.records],
        receipt=receipt_to_pb(change.receipt),
    )


def enrolments_to_pb(page: Page[Enrolment]) -> identity_pb2.ListEnrolmentsResponse:
    """A page of records."""
    made, token = page_to_pb(page, enrolment_to_pb)
    return identity_pb2.ListEnrolmentsResponse(
        enrolments=made, next_page_token=token, total_size=page.total
    )


def enrolment_to_pb(record: Enrolment) -> identity_pb2.Enrolment:
    """One record."""
    return identity_pb2.Enrolment(
        enrolment_id=record.enrolment_id,
        identity=record.identity,
        kind=number(identity_pb2.EnrolmentKind, record.kind),
        participant_type=record.participant_type,
        owner=record.owner,
        roles=[number(governed_pb2.Role, role) for role in record.roles],
        status=number(identity_pb2.EnrolmentStatus, record.status),
        enrolled_by=[
            identity_pb2.Enroller(enrolment_id=one.credential, subject=one.subject)
            for one in record.enrolled_by
        ],
        create_time=time_to_pb(record.created_at),
        update_time=time_to_pb(record.updated_at),
    )


def enrolled_to_pb(credential: Credential) -> identity_pb2.EnrolResponse:
    """The new credential."""
    return identity_pb2.EnrolResponse(
        credential=credential.token, expire_time=time_to_pb(credential.expires_at)
    )


def renewed_to_pb(credential: Credential) -> identity_pb2.RenewCredentialResponse:
    """The next credential."""
    return identity_pb2.RenewCredentialResponse(
        credential=credential.token, expire_time=time_to_pb(credential.expires_at)
    )


def _roles(numbers: Iterable[int]) -> tuple[Role, ...]:
    """The roles; an unspecified one counts as none."""
    names = [short(governed_pb2.Role, value) for value in numbers]
    return tuple(Role(name) for name in names if name)
