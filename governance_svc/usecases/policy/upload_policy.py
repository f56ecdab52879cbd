"""Checks and keeps policy overlays of a tenant; neither decides anything."""

from collections.abc import Mapping
from dataclasses import replace

from governance_svc.domain.policy.activation import PolicyChange, PolicyRevision, uploaded_event
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
from phoenix_runtime.core.errors import FieldInvalid, Violation
from phoenix_runtime.core.principal import Call
from phoenix_runtime.core.receipt import Receipt

LONGEST_NOTE = 1000


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
        loaded = await prepare(self._policies, overlay)
        await loaded.engine.close()
        stored = StoredOverlay(
            number=0,
            overlay_revision=overlay.revision,
            document=dict(overlay.files),
            policy_revision=loaded.bundle.revision,
            tests_passed=loaded.tests.passed,
            note=note,
            uploaded_by=call.actor,
            uploaded_at=self._clock.now(),
        )
        return PolicyRevision(stored, replaced(self._policies.shared.bundle, overlay))


async def prepare(policies: TenantPolicies, overlay: Overlay) -> LoadedPolicy:
    """The shipped bundle with ``overlay`` in an engine of its own, which decides nothing yet."""
    if not policies.accepts_overlays:
        text = (
            "an OPA server of your own holds one policy for all tenants: have PHOENIX_DMA_BUNDLE "
            "name a folder with the whole bundle at every replica"
        )
        raise FieldInvalid([Violation("overlay", text)])
    return await policies.prepare(compose(policies.shared.bundle, overlay), overlay.revision)


class UploadPolicy:
    """Keeps an overlay that was checked (events: POLICY_UPLOADED); it decides nothing yet."""

    def __init__(self, units: Units, validate: ValidatePolicy) -> None:
        self._units = units
        self._validate = validate

    async def __call__(self, call: Call, files: Mapping[str, str], note: str) -> PolicyChange:
        """Check and keep; the same overlay again answers what is kept. Raises as validating."""
        checked = await self._validate(call, files, note)
        async with self._units(call) as unit:
            known = await unit.find_overlay(checked.stored.overlay_revision)
            if known is not None:
                receipt = Receipt("", "", 1)
                return PolicyChange(
                    await policy_revision(unit, known), known.policy_revision, receipt
                )
            stored = replace(checked.stored, number=1 + await unit.overlay_count())
            kept = PolicyRevision(stored, checked.replaced)
            await unit.add_overlay(stored)
            receipt = await unit.audit(uploaded_event(kept))
            change = PolicyChange(kept, stored.policy_revision, receipt)
            await unit.remember(change)
        return change
