"""Contexts: what is checkpointed, and the addresses under which it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phoenix_dma.v1 import state_pb2
from tests.robustness.bad_input.cases import AGENT, Both, Refusal, Rest, Wire, names
from tests.robustness.bad_input.tasks import HELD
from tests.robustness.bad_input.values import FEW_IDS

CHECKPOINT = "/state/checkpoint"
SOUND: dict[str, Any] = {"task_id": HELD, "epoch": 1, "base_version": 0}
HASH = "sha256:" + "0" * 64


def checkpoint(name: str, refusal: Refusal, **change: Any) -> Both:
    """A checkpoint of the held task that is sound but for ``change``."""
    return Both(f"a checkpoint {name}", CHECKPOINT, {**SOUND, **change}, refusal, AGENT)


def around() -> Iterator[Both]:
    content = {"context": {"outputs": {"seen": 1}}}
    for kind, value in FEW_IDS.items():
        yield checkpoint(f"of a task {kind}", names("task_id"), task_id=value, **content)
        writer = {**content, "participant_id": value}
        yield checkpoint(f"by a writer {kind}", names("participant_id"), **writer)
    for epoch in (-1, 0, 1 << 53):
        yield checkpoint(f"under epoch {epoch}", names("epoch"), epoch=epoch, **content)
    yield checkpoint("on version -1", names("base_version"), base_version=-1, **content)
    yield checkpoint("of nothing", names("context"))
    both = {**content, "state_ref": "s3://a/b@1", "hash": HASH}
    yield checkpoint("by value and by reference", names("context"), **both)
    yield checkpoint("with a hash that is none", names("hash"), hash="md5:1", **content)
    many = [f"obligation.{number}" for number in range(65)]
    fulfilled = {**content, "fulfilled_obligations": many}
    yield checkpoint("that fulfils too much", names("fulfilled_obligations"), **fulfilled)


def inside() -> Iterator[Both]:
    large = {"context": {"outputs": {"a": "b" * (1 << 20)}}}
    yield checkpoint("of more than 1 MiB", Refusal(reason="TOO_LARGE", status=413), **large)
    private = {"context": {"outputs": {"chain_of_thought": "hm"}}}
    yield checkpoint("of private reasoning", names("context"), **private)


def places() -> Iterator[Both]:
    for kind, place in {
        "of a file": "file:///etc/passwd@1",
        "that climbs": "s3://bucket/../other@1",
        "that climbs by an escape": "s3://bucket/%2e%2e/other@1",
        "with a secret": "https://user:secret@example.com/a@1",
        "that moves": "s3://bucket/state@latest",
        "that is no address": "somewhere",
        "of 1,025 characters": "s3://" + "a" * 1020,
        "of this machine": "http://127.0.0.1:8080/metrics@1",
    }.items():
        given = {"state_ref": place, "hash": HASH}
        yield checkpoint(f"in a place {kind}", names("state_ref"), **given)
    yield checkpoint("in a place without a hash", names("hash"), state_ref="s3://bucket/state@1")


def addresses() -> Iterator[Wire]:
    for kind, address in {
        "that climbs": "phoenix://context/../task.held",
        "that climbs inside": "phoenix://state/task.held/../1",
        "of another runtime": "phoenix://elsewhere/task.held",
        "of a foreign scheme": "https://example.com/task.held",
        "of a file": "file:///etc/passwd",
        "with a query": "phoenix://context/task.held?x=1",
        "with an escape": "phoenix://context/task%2eheld",
        "with a user": "phoenix://root@context/task.held",
        "of version -1": "phoenix://state/task.held/-1",
        "of a huge version": "phoenix://state/task.held/99999999999999999999",
        "with Arabic digits": "phoenix://state/task.held/\u0661",
        "in the style of SQL": "phoenix://context/x' OR '1'='1",
        "with U+0000": "phoenix://context/task\0held",
        "of 5,000 characters": "phoenix://context/" + "a" * 5000,
    }.items():
        yield Wire(
            name=f"a context at an address {kind}",
            rpc="StateService/GetContext",
            request=state_pb2.GetContextRequest(context_ref=address),
            refusal=names("context_ref"),
            who=AGENT,
        )
        yield Wire(
            name=f"the verification of an address {kind}",
            rpc="StateService/VerifyCheckpoint",
            request=state_pb2.VerifyCheckpointRequest(context_ref=address),
            refusal=names("context_ref"),
        )


def numbers() -> Iterator[Wire | Rest]:
    for text in ("nan", "inf", "-inf"):
        request = state_pb2.CheckpointContextRequest(task_id=HELD, epoch=1)
        request.context.fields["a"].number_value = float(text)
        yield Wire(
            name=f"a context that holds {text}",
            rpc="StateService/CheckpointContext",
            request=request,
            refusal=names("context"),
            who=AGENT,
        )
    for text in ("NaN", "Infinity", "-Infinity"):
        content = f'{{"task_id": "{HELD}", "epoch": 1, "context": {{"a": {text}}}}}'.encode()
        malformed = Refusal(reason="MALFORMED_BODY")
        yield Rest(
            name=f"a body that holds {text}",
            target=CHECKPOINT,
            content=content,
            refusal=malformed,
            who=AGENT,
        )
    for text in ("1e400", "1e308", "9007199254740993"):
        content = f'{{"task_id": "{HELD}", "epoch": 1, "context": {{"a": {text}}}}}'.encode()
        yield Rest(
            name=f"a context that holds {text}",
            target=CHECKPOINT,
            content=content,
            refusal=names("context.a"),
            who=AGENT,
        )


CASES: list[Both | Rest | Wire] = [*around(), *inside(), *places(), *addresses(), *numbers()]
