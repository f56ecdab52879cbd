"""Lets an uploaded overlay decide in its tenant, or an older one again, or none."""

from governance_svc.domain.policy.activation import (
    NO_HEAD,
    PolicyActivation,
    PolicyChange,
    PolicyHead,
    PolicyRevision,
    activated_event,
    is_pending,
)
from governance_svc.domain.policy.overlay import StoredOverlay, compose
from governance_svc.domain.ports import Unit, Units
from governance_svc.usecases.policy.denial_log import DenialLog
from governance_svc.usecases.policy.list_policies import policy_revision
from governance_svc.usecases.policy.tenant_policies import LoadedPolicy, TenantPolicies
from governance_svc.usecases.policy.upload_policy import prepare
from governance_svc.usecases.trust.assess_trust import AssessTrust
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import FieldInvalid, NotFound, NotPermitted, Unavailable
from phoenix_runtime.core.events import ReasonCode
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.ports import AccessLog, Policy
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt
from phoenix_runtime.core.verdict import DecisionPoint, Verdict

SECOND = (
    "Have two policy administrators do it, each with an enrolment of their own, neither of which "
    "was made through the other (`phoenix-dma user add human.… --role policy_admin`): one uploads "
    "it again, `phoenix-dma policy apply`, and the other activates it."
)


class ActivatePolicy:
    """Lets an overlay, or none, decide (policy `policy.activate`; events: POLICY_ACTIVATED)."""

    def __init__(
        self,
        units: Units,
        policies: TenantPolicies,
        judges: tuple[Policy, DenialLog, AssessTrust, AccessLog],
        clock: Clock,
        *,
        development: bool,
    ) -> None:
        """``judges`` decide who may, audit who may not, and forget what they knew."""
        self._units = units
        self._policies = policies
        self._policy, self._denials, self._trust, self._access = judges
        self._clock = clock
        self._development = development

    async def __call__(self, call: Call, overlay_revision: str) -> PolicyChange:
        """Activate; what decides already is answered as it stands, and nothing is written.

        Raises `NotFound`, `PolicyDenied`, `BundleRefused` where it does not fit this release, and
        `PolicyEngineUnavailable`. Decisions under way keep their revision.
        """
        async with self._units.reading(call) as unit:
            stored = await unit.find_overlay(overlay_revision) if overlay_revision else None
            if overlay_revision and stored is None:
                raise NotFound("policy", overlay_revision)
            head = await unit.find_policy_head() or NO_HEAD
            wanted = None if stored is None or stored.overlay.adds_nothing else stored
            known = await self._decides_already(call, unit, wanted)
        if known is not None:
            return known
        verdict = await self._allowed(call, stored, head)
        await self._check_second_person(call, stored)
        loaded = None if wanted is None else await prepare(self._policies, wanted.overlay)
        try:
            change = await self._commit(call, wanted, loaded, (verdict, head.version))
        except BaseException:
            if loaded is not None:
                await loaded.engine.close()
            raise
        await self._policies.install(call.tenant, loaded)
        self._trust.forget_all()
        return change

    async def _decides_already(
        self, call: Call, unit: Unit, stored: StoredOverlay | None
    ) -> PolicyChange | None:
        """The change that would be none; None where activating changes what decides.

        The tables decide, as another replica may have activated it. The same overlay under another
        release is another bundle, and one that could not be loaded here does not decide: both are
        activated anew.
        """
        wanted = stored.overlay_revision if stored else ""
        head, newest = await unit.find_policy_head(), await unit.newest_activation()
        if (head.overlay_revision if head else "") != wanted:
            return None
        revision = self._revision(stored)
        if self._policies.is_broken(call.tenant) or (newest and newest.revision != revision):
            return None
        policy = await policy_revision(unit, stored) if stored else None
        receipt = Receipt("", call.correlation_id, newest.version if newest else 0)
        return PolicyChange(policy, revision, receipt, unchanged=True)

    def _revision(self, stored: StoredOverlay | None) -> str:
        """The revision of the whole bundle under this release; empty where it does not fit it."""
        if stored is None:
            return self._policies.shared.bundle.revision
        try:
            return compose(self._policies.shared.bundle, stored.overlay).revision
        except FieldInvalid:
            return ""

    async def _allowed(self, call: Call, stored: StoredOverlay | None, head: PolicyHead) -> Verdict:
        tests: JsonObject = {"passed": max(1, stored.tests_passed) if stored else 1, "failed": 0}
        bundle: JsonObject = {
            "revision": stored.overlay_revision
            if stored
            else self._policies.shared.bundle.revision,
            "uploaded_by": stored.uploaded_by if stored else "",
            "pending": stored is not None and is_pending(stored, head),
            "tests": tests,
        }
        question: JsonObject = {"bundle": bundle, "development": self._development}
        (verdict,) = await self._policy.evaluate(call, DecisionPoint.ACTIVATE_POLICY, [question])
        if not verdict.allowed:
            raise await self._denials.denied(call, verdict, about=f"policy {bundle['revision']}")
        return verdict

    async def _check_second_person(self, call: Call, stored: StoredOverlay | None) -> None:
        """Raise `NotPermitted`, audited, where one credential can be both persons.

        Policy compares names, and one enrolment can be several people.
        """
        uploader = stored.uploader_credentials if stored else ()
        shared = call.principal.descent.one_hand_with(uploader)
        if self._development or stored is None or not shared:
            return
        who, by = call.actor, stored.uploaded_by
        because = f"{who} and {by}, who uploaded it, may be one person: both have {shared}"
        facts: JsonObject = {"overlay_revision": stored.overlay_revision, "because": because}
        await self._access.refused(call, "policy.activate", facts, ReasonCode.SAME_DESCENT)
        raise NotPermitted(f"A second person has to activate it: {because}", facts, remedy=SECOND)

    async def _commit(
        self,
        call: Call,
        stored: StoredOverlay | None,
        loaded: LoadedPolicy | None,
        judged: tuple[Verdict, int],
    ) -> PolicyChange:
        """``judged`` is the verdict, and the version of the head under which it was given."""
        verdict, version = judged
        policy = loaded or self._policies.shared
        overlay_revision = stored.overlay_revision if stored else ""
        async with self._units(call) as unit:
            head = await unit.lock_policy_head() or NO_HEAD
            # Asked again under the lock: another call may have activated it meanwhile.
            known = await self._decides_already(call, unit, stored)
            if known is not None:
                return known
            if head.version != version and not self._development:
                # What was proposed may have ended with that change.
                raise Unavailable("Another policy was activated at the same moment")
            previous = await unit.newest_activation()
            activation = PolicyActivation(
                version=1 if previous is None else previous.version + 1,
                revision=policy.bundle.revision,
                activated_at=self._clock.now(),
                overlay_revision=overlay_revision,
                activated_by=call.actor,
            )
            await unit.save_policy_head(PolicyHead(head.version + 1, overlay_revision))
            await unit.add_activation(activation)
            receipt = await unit.audit(activated_event(activation, previous, policy.tests, verdict))
            active = None
            if stored is not None:
                active = PolicyRevision(stored, active=True, activation=activation)
            change = PolicyChange(active, policy.bundle.revision, receipt)
            await unit.remember(change)
        return change
