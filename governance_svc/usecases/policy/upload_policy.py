"""Checks and keeps policy overlays of a tenant; neither decides anything."""

from collections.abc import Mapping
from dataclasses import replace

from governance_svc.domain.policy.activation import (
    NO_HEAD,
    PolicyChange,
    PolicyRevision,
    is_pending,
    uploaded_event,
)
from governance_svc.domain.policy.overlay import (
    Overlay,
    StoredOverlay,
    compose,
    read_overlay,
    replaced,
)
from governance_svc.domain.ports import Units
from governance_svc.usecases.policy.list_policies import policy_revision
from governance_svc.usecases.policy.tenant_policies import LoadedPolicy, TenantPolicies
from phoenix_runtime.core.clock import Clock
from phoenix_runtime.core.errors import FieldInvalid, NotFound, Violation
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt

LONGEST_NOTE = 1000
NO_OVERLAYS = (
    "the policy engine here is an OPA server (PHOENIX_DMA_OPA_URL), which holds one policy for all "
    "tenants and takes no overlay. Either have PHOENIX_DMA_BUNDLE name, at every replica, a folder "
    "with the shipped bundle and your rules in it, or leave PHOENIX_DMA_OPA_URL out: the embedded "
    "engine takes overlays"
)


class ValidatePolicy:
    """Loads an overlay with the shipped bundle into an engine of its own, which ends afterwards."""

    def __init__(self, policies: TenantPolicies, clock: Clock) -> None:
        self._policies = policies
        self._clock = clock

    async def __call__(
        self, call: Call, files: Mapping[str, str], note: str = ""
    ) -> PolicyRevision:
        """What uploading it would keep.

        Raises `BundleRefused` and `CatalogueInvalid` with every violation, and
        `PolicyEngineUnavailable`.
        """
        if len(note) > LONGEST_NOTE:
            raise FieldInvalid([Violation("note", f"at most {LONGEST_NOTE} characters")])
        overlay = read_overlay(files)
        if overlay.adds_nothing:
            policy_revision, passed = self._policies.shared.bundle.revision, 0
        else:
            loaded = await prepare(self._policies, overlay)
            await loaded.engine.close()
            policy_revision, passed = loaded.bundle.revision, loaded.tests.passed
        stored = StoredOverlay(
            number=0,
            overlay_revision=overlay.revision,
            document=dict(overlay.files),
            policy_revision=policy_revision,
            tests_passed=passed,
            note=note,
            uploaded_by=call.actor,
            uploaded_at=self._clock.now(),
            policy_version=0,
            uploader_credentials=call.principal.descent.credentials,
        )
        return PolicyRevision(stored, replaced(self._policies.shared.bundle, overlay))


async def prepare(policies: TenantPolicies, overlay: Overlay) -> LoadedPolicy:
    """The shipped bundle with ``overlay`` in an engine of its own, which decides nothing yet."""
    if not policies.accepts_overlays:
        raise FieldInvalid([Violation("overlay", NO_OVERLAYS)])
    return await policies.prepare(compose(policies.shared.bundle, overlay), overlay.revision)


class UploadPolicy:
    """Keeps an overlay that was checked (events: POLICY_UPLOADED); it decides nothing yet.

    Outside development that is the first of the two words that an activation needs.
    """

    def __init__(self, units: Units, validate: ValidatePolicy) -> None:
        self._units = units
        self._validate = validate

    async def __call__(
        self, call: Call, files: Mapping[str, str], note: str, overlay_revision: str = ""
    ) -> PolicyChange:
        """Check and keep ``files``, or the overlay ``overlay_revision`` that is kept already.

        What is pending or decides is answered as it is kept; what policy has left behind since is
        proposed anew, by this caller, and so is what somebody uploaded who may be this caller under
        another name: nobody of that hand could activate it. Raises `NotFound`, and as validating.
        """
        if overlay_revision:
            files = await self._kept(call, files, overlay_revision)
        checked = await self._validate(call, files, note)
        async with self._units(call) as unit:
            head = await unit.find_policy_head() or NO_HEAD
            known = await unit.find_overlay(checked.stored.overlay_revision)
            if known is not None and is_pending(known, head) and not _other_hand(call, known):
                receipt = Receipt("", "", 1)
                return PolicyChange(
                    await policy_revision(unit, known), known.policy_revision, receipt
                )
            number = 1 + await unit.overlay_count()
            stored = replace(checked.stored, number=number, policy_version=head.version)
            kept = PolicyRevision(stored, checked.replaced)
            await unit.add_overlay(stored)
            receipt = await unit.audit(uploaded_event(kept))
            change = PolicyChange(kept, stored.policy_revision, receipt)
            await unit.remember(change)
        return change

    async def _kept(
        self, call: Call, files: Mapping[str, str], overlay_revision: str
    ) -> Mapping[str, str]:
        if files:
            text = "either the files of an overlay, or the revision of one that is kept"
            raise FieldInvalid([Violation("overlay_revision", text)])
        async with self._units.reading(call) as unit:
            stored = await unit.find_overlay(overlay_revision)
        if stored is None:
            raise NotFound("policy", overlay_revision)
        return stored.overlay.files


def _other_hand(call: Call, known: StoredOverlay) -> bool:
    """Whether somebody else's name uploaded it by a credential that bars this caller."""
    shared = call.principal.descent.one_hand_with(known.uploader_credentials)
    return bool(shared) and known.uploaded_by != call.actor
