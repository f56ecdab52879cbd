"""Stores a context and has assignment record it as its task's newest (Algorithm 4)."""

from dataclasses import dataclass, replace

from phoenix_runtime.core.errors import (
    AlreadyExists,
    ContextHashMismatch,
    FieldInvalid,
    NotPermitted,
    Violation,
)
from phoenix_runtime.core.json import JsonObject
from phoenix_runtime.core.ports import AccessLog
from phoenix_runtime.core.principal import Call
from state_svc.domain.context import LARGEST, context_document
from state_svc.domain.decisions import decided_obligations
from state_svc.domain.ports import (
    Assignment,
    CheckpointRecord,
    RecordedCheckpoint,
    Units,
)
from state_svc.domain.reference import (
    ReferenceKey,
    ReferencePlaces,
    StateReference,
    check_reference,
    is_hash,
)


@dataclass(frozen=True, slots=True)
class ContextByValue:
    """A document to store. ``expected_hash`` is compared where it is given."""

    document: JsonObject
    expected_hash: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A context to record, and ``base_version``, the version that its author worked on."""

    task_id: str
    participant_id: str
    epoch: int
    base_version: int
    content: ContextByValue | StateReference
    fulfilled_obligations: tuple[str, ...] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointLimits:
    """Limits of a checkpoint: permitted places of references, bytes of a document at most."""

    places: ReferencePlaces
    largest: int = LARGEST


class CheckpointContext:
    """Stores a context and has it recorded as the newest of its task.

    The content is stored first. It is immutable and has no effect where assignment then refuses: it
    counts only once the pointer is committed, with owner, epoch and base version checked under the
    task's lock (I3, I4).
    """

    def __init__(
        self,
        assignment: Assignment,
        units: Units,
        access_log: AccessLog,
        limits: CheckpointLimits,
    ) -> None:
        self._assignment = assignment
        self._units = units
        self._access_log = access_log
        self._limits = limits

    async def __call__(self, call: Call, checkpoint: Checkpoint) -> RecordedCheckpoint:
        """Record ``checkpoint``.

        Raises `FieldInvalid`, `TooLarge`, `ContextHashMismatch`, `NotPermitted`, `AlreadyExists`,
        and what `Assignment.record_checkpoint` raises.
        """
        await self._require_writer(call, checkpoint)
        if isinstance(checkpoint.content, StateReference):
            record = await self._store_reference(call, checkpoint, checkpoint.content)
        else:
            record = await self._store_document(call, checkpoint, checkpoint.content)
        return await self._assignment.record_checkpoint(call, record)

    async def _require_writer(self, call: Call, checkpoint: Checkpoint) -> None:
        """Refuse a writer that names another participant than its credential does."""
        own = call.principal.participant
        if own and checkpoint.participant_id in ("", own):
            return
        facts = {"participant_id": checkpoint.participant_id, "task_id": checkpoint.task_id}
        await self._access_log.refused(call, "CheckpointContext", facts)
        raise NotPermitted(
            "A checkpoint is written by the participant of the credential",
            facts,
            remedy="Send it with the profile of the participant that holds the task, and name that "
            "participant or none.",
        )

    async def _store_document(
        self, call: Call, checkpoint: Checkpoint, value: ContextByValue
    ) -> CheckpointRecord:
        """Store a document under its hash."""
        if value.expected_hash and not is_hash(value.expected_hash):
            raise FieldInvalid([Violation("hash", "is no hash: sha256: and 64 hexadecimal digits")])
        document = context_document(value.document, largest=self._limits.largest)
        if value.expected_hash and value.expected_hash != document.hash:
            raise ContextHashMismatch(expected=value.expected_hash, received=document.hash)
        async with self._units(call) as unit:
            await unit.add_content(document.hash, document.content)
        record = _record(checkpoint, document.hash, size_bytes=document.size)
        return replace(record, decided_obligations=decided_obligations(value.document))

    async def _store_reference(
        self, call: Call, checkpoint: Checkpoint, reference: StateReference
    ) -> CheckpointRecord:
        """Store a reference under the version that it gets when assignment records it."""
        check_reference(reference, call.tenant, self._limits.places)
        key = ReferenceKey(
            task_id=checkpoint.task_id,
            version=checkpoint.base_version + 1,
            participant_id=call.principal.participant,
            epoch=checkpoint.epoch,
            hash=reference.hash,
        )
        async with self._units(call) as unit:
            stored = await unit.add_reference(key, reference)
        if stored != reference:
            # The first attempt may have been recorded although its answer was lost: owner and
            # protocol of a recorded reference must not change.
            text = "This version was attested with another reference, owner or handoff protocol"
            raise AlreadyExists("reference", stored.state_ref, text)
        return _record(checkpoint, reference.hash, external_ref=reference.state_ref)


def _record(
    checkpoint: Checkpoint, content_hash: str, *, size_bytes: int = 0, external_ref: str = ""
) -> CheckpointRecord:
    """The request to assignment."""
    return CheckpointRecord(
        task_id=checkpoint.task_id,
        epoch=checkpoint.epoch,
        base_version=checkpoint.base_version,
        hash=content_hash,
        size_bytes=size_bytes,
        external_ref=external_ref,
        fulfilled_obligations=checkpoint.fulfilled_obligations,
        request_id=checkpoint.request_id,
    )
