"""ChangeRoles: an operator grants and revokes roles of an identity."""

from collections.abc import Sequence
from dataclasses import dataclass

from phoenix_runtime.core.errors import FieldInvalid, NotFound, NotPermitted, Violation
from phoenix_runtime.core.principal import Call, Role
from registry_svc.domain.identity import events as identity_events
from registry_svc.domain.identity.enrolment import require_not_disabled
from registry_svc.domain.identity.orders import require_may_enrol, require_may_give
from registry_svc.domain.identity.records import ACTIVE, Enrolment
from registry_svc.usecases.context import RegistryContext, require_identifiers
from registry_svc.usecases.identity.create_enrolment import EnrolmentChange
from registry_svc.usecases.present_caller import present_operator


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Which roles an identity gets, and which it loses."""

    identity: str
    grant: Sequence[Role]
    revoke: Sequence[Role]


class ChangeRoles:
    """Changes the roles of an identity, which hold from its next credential on.

    Raises `FieldInvalid`, `NotFound`, `NotPermitted` for an identity that is disabled, and
    `NotPermitted`, audited, by who is no operator any more, and for roles that the caller lacks or
    that nobody of that kind may have.
    """

    def __init__(self, context: RegistryContext) -> None:
        self._context = context

    async def __call__(self, call: Call, change: RoleChange) -> EnrolmentChange:
        """Change the roles; nothing where the identity has them already."""
        require_identifiers("identity", change.identity)
        _check(change)
        async with self._context.units.reading(call) as unit:
            known = _active(await unit.enrolments_of(change.identity), change.identity)
        try:
            by = await present_operator(self._context, call)
            require_may_enrol(by)
            for kind in {one.kind for one in known}:
                require_may_give(by, kind, change.grant)
        except NotPermitted as refused:
            await self._context.access.refused(call, "identity.change_roles", refused.facts)
            raise
        return await self._change(call, change)

    async def _change(self, call: Call, change: RoleChange) -> EnrolmentChange:
        at, receipt, changed = self._context.clock.now(), None, []
        async with self._context.units(call) as unit:
            known = _active(await unit.lock_enrolments_of(change.identity), change.identity)
            for before in known:
                after = before.with_roles(change.grant, change.revoke, at)
                if after.roles == before.roles:
                    changed.append(before)
                    continue
                receipt = await unit.audit(identity_events.roles_changed(before, after))
                await unit.save_enrolment(after)
                changed.append(after)
            result = EnrolmentChange(tuple(changed), receipt)
            await unit.remember(result)
        return result


def _active(records: Sequence[Enrolment], identity: str) -> list[Enrolment]:
    require_not_disabled(identity, records)
    active = [one for one in records if one.status is ACTIVE]
    if not active:
        raise NotFound("identity", identity)
    return active


def _check(change: RoleChange) -> None:
    both = sorted(set(change.grant) & set(change.revoke))
    if both:
        raise FieldInvalid([Violation("revoke", f"{', '.join(both)} is granted, too")])
    if not change.grant and not change.revoke:
        raise FieldInvalid([Violation("grant", "name a role to grant or to revoke")])
    if Role.PARTICIPANT in {*change.grant, *change.revoke}:
        raise FieldInvalid([Violation("grant", "participant is not granted: it is the kind")])
