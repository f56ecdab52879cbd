"""Tasks: submissions, and the calls of their owners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from phoenix_dma.v1 import assignment_pb2, handoff_pb2
from tests.robustness.bad_input.cases import AGENT, Both, Refusal, Rest, Wire, names
from tests.robustness.bad_input.values import (
    FEW_IDS,
    FEW_NAMES,
    IDS,
    TEXTS,
    numbered,
)

SUBMIT = "/tasks/submit"
HELD = "task.held"
"""The task that the agent of the target holds."""
SOUND = {
    "task_id": "task.new",
    "objective": "Find duplicates",
    "required_capabilities": ["duplicate_detection"],
}
ASSIGNMENT = "AssignmentService"
TOO_LARGE = Refusal(reason="TOO_LARGE", status=413)


def submitted(name: str, field: str, **change: Any) -> Both:
    """A task that is sound but for ``change``."""
    return Both(f"a task {name}", SUBMIT, {**SOUND, **change}, names(field))


def declarations() -> Iterator[Both]:
    for kind, value in IDS.items():
        yield submitted(f"whose id is one {kind}", "task_id", task_id=value)
    for kind, value in FEW_IDS.items():
        yield submitted(f"whose parent is an id {kind}", "parent_task_id", parent_task_id=value)
    for kind, value in FEW_NAMES.items():
        names_of = {
            "required_capabilities": f"that requires a capability {kind}",
            "data_domains": f"in a domain {kind}",
            "policy_constraints": f"under a constraint {kind}",
        }
        for field, name in names_of.items():
            yield submitted(name, f"{field}[0]", **{field: [value]})
        yield submitted(f"of a type {kind}", "task_type", task_type=value)
    for kind, value in TEXTS.items():
        yield submitted(f"with an objective {kind}", "objective", objective=value)
    for kind, address in {
        "of another task": "phoenix://context/task.other",
        "that climbs": "phoenix://context/../task.new",
        "of a foreign scheme": "https://example.com/context",
        "of a file": "file:///etc/passwd",
    }.items():
        yield submitted(f"with a context {kind}", "context_ref", context_ref=address)


def amounts() -> Iterator[Both]:
    yield submitted("without an objective", "objective", objective="")
    yield submitted("of an endless objective", "objective", objective="a" * 2001)
    yield submitted("that requires nothing", "required_capabilities", required_capabilities=[])
    many = numbered(65)
    yield submitted("that requires 65", "required_capabilities", required_capabilities=many)
    twice = ["duplicate_detection"] * 2
    yield submitted("that requires one twice", "required_capabilities", required_capabilities=twice)
    yield submitted("of a negative priority", "priority", priority=-1)
    yield submitted("of a priority of 101", "priority", priority=101)
    yield submitted("of minus one attempt", "max_attempts", max_attempts=-1)
    yield submitted("of 101 attempts", "max_attempts", max_attempts=101)
    yield submitted("that may lose minus one owner", "max_losses", max_losses=-1)
    yield submitted("that may lose 101 owners", "max_losses", max_losses=101)
    yield submitted("to be begun in the past", "start_timeout", start_timeout="-1s")
    yield submitted("to be tried for ages", "attempt_timeout", attempt_timeout="99999999s")
    child = {"parent_task_id": HELD}
    yield submitted("of a negative parent epoch", "parent_epoch", parent_epoch=-1, **child)
    yield submitted("that is its own parent", "parent_task_id", parent_task_id=SOUND["task_id"])
    yield submitted("with a parent's epoch alone", "parent_task_id", parent_epoch=1)
    large = {**SOUND, "input": {"a": "b" * (1 << 20)}}
    yield Both("a task whose input is over 1 MiB", SUBMIT, large, TOO_LARGE)


def by_json() -> Iterator[Rest]:
    """Mistakes that only JSON can express."""
    for field, text in {
        "risk_level": '"extreme"',
        "assignment_intent": '"MAYBE"',
        "deadline": '"yesterday"',
        "start_timeout": '"soon"',
        "priority": '"high"',
        "detached": '"yes"',
        "objective": '["a"]',
        "input": '"a text"',
        "required_capabilities[0]": "[null]",
        "input.a": '{"a": 9007199254740993}',
        "objective ": r'"\ud800"',
    }.items():
        name = field.partition("[")[0].partition(".")[0].strip()
        content = f'{{"task_id": "task.new", "{name}": {text}}}'.encode()
        yield Rest(
            name=f"a task whose {field} is {text}",
            target=SUBMIT,
            content=content,
            refusal=names(field.strip()),
        )
    yield Rest(
        name="a task whose input is 40 levels deep",
        target=SUBMIT,
        content=b'{"task_id": "task.new", "input": ' + b'{"a":' * 40 + b"1" + b"}" * 41,
        refusal=names("input"),
    )


def verb(name: str, request: Message, field: str) -> Wire:
    """A call of the target's agent over gRPC."""
    method = type(request).__name__.removesuffix("Request")
    rpc = f"{ASSIGNMENT}/{method}"
    return Wire(name=name, rpc=rpc, request=request, refusal=names(field), who=AGENT)


def epochs() -> Iterator[Wire]:
    """No epoch, generation or version is negative; 0 counts as not given."""
    pb = assignment_pb2
    for epoch in (-1, -(1 << 63), 0):
        said = {"task_id": HELD, "epoch": epoch}
        requests: list[Message] = [
            pb.StartTaskRequest(**said),  # type: ignore[arg-type]
            pb.DeclineTaskRequest(**said),  # type: ignore[arg-type]
            pb.AuthorizeActionRequest(kind=pb.ACTION_KIND_DATA_READ, name="read", **said),  # type: ignore[arg-type]
            pb.CompleteTaskRequest(**said),  # type: ignore[arg-type]
            pb.FailTaskRequest(message="no", **said),  # type: ignore[arg-type]
        ]
        for request in requests:
            method = type(request).__name__.removesuffix("Request")
            yield verb(f"{method} under epoch {epoch}", request, "epoch")
    yield verb("ResumeTasks of generation -1", pb.ResumeTasksRequest(generation=-1), "generation")


def verbs() -> Iterator[Wire]:
    pb = assignment_pb2
    for kind, value in FEW_IDS.items():
        requests: list[Message] = [
            pb.StartTaskRequest(task_id=value, epoch=1),
            pb.CompleteTaskRequest(task_id=value, epoch=1),
            pb.FailTaskRequest(task_id=value, epoch=1, message="no"),
        ]
        for request in requests:
            method = type(request).__name__.removesuffix("Request")
            yield verb(f"{method} of a task {kind}", request, "task_id")
    kind_of: Any = 99
    asked = pb.AuthorizeActionRequest(task_id=HELD, epoch=1, kind=kind_of, name="read")
    yield verb("an action of an unknown kind", asked, "kind")
    for said, named in {"nonsense": ["a\u202eb"], "too much": ["o"] * 65}.items():
        request = pb.CompleteTaskRequest(task_id=HELD, epoch=1, fulfilled_obligations=named)
        yield verb(f"a result that fulfils {said}", request, "fulfilled_obligations")
    for text in ("nan", "inf"):
        request = pb.CompleteTaskRequest(task_id=HELD, epoch=1)
        request.result.fields["a"].number_value = float(text)
        yield verb(f"a result that holds {text}", request, "result")


def handoffs() -> Iterator[Both | Wire]:
    initiate, complete = "/handoff/initiate", "/handoff/complete"
    for kind, value in FEW_IDS.items():
        body = {"task_id": value, "source": "agent.holder"}
        yield Both(f"a handoff of a task {kind}", initiate, body, names("task_id"))
        body = {"task_id": HELD, "source": value}
        yield Both(f"a handoff from a source {kind}", initiate, body, names("source"))
        body = {"handoff_id": value, "offer_id": "offer.1", "received_hash": "sha256:0"}
        yield Both(f"the end of a handoff {kind}", complete, body, names("handoff_id"), AGENT)
        body = {"handoff_id": "handoff.1", "offer_id": value, "received_hash": "sha256:0"}
        yield Both(f"the end of an offer {kind}", complete, body, names("offer_id"), AGENT)
    yield Wire(
        name="a handoff that is given up without its name",
        rpc="HandoffService/AbortHandoff",
        request=handoff_pb2.AbortHandoffRequest(reason="not now"),
        refusal=names("handoff_id"),
    )


def unknown_enums() -> Iterator[Wire]:
    number: Any = 99
    declared = assignment_pb2.TaskDeclaration(
        task_id="task.new", objective="o", required_capabilities=["duplicate_detection"]
    )
    for field in ("risk_level", "assignment_intent"):
        wrong = assignment_pb2.TaskDeclaration()
        wrong.CopyFrom(declared)
        setattr(wrong, field, number)
        yield Wire(
            name=f"a task of an unknown {field}",
            rpc="AssignmentService/SubmitTask",
            request=assignment_pb2.SubmitTaskRequest(task=wrong),
            refusal=names(f"task.{field}"),
        )
    for field, seconds in {"deadline": 1 << 60, "start_timeout": 1 << 60}.items():
        wrong = assignment_pb2.TaskDeclaration()
        wrong.CopyFrom(declared)
        getattr(wrong, field).seconds = seconds
        yield Wire(
            name=f"a task whose {field} no calendar has",
            rpc="AssignmentService/SubmitTask",
            request=assignment_pb2.SubmitTaskRequest(task=wrong),
            refusal=names(f"task.{field}"),
        )
    wrong = assignment_pb2.TaskDeclaration()
    wrong.CopyFrom(declared)
    wrong.input.fields["a"].number_value = float("nan")
    yield Wire(
        name="a task whose input holds NaN",
        rpc="AssignmentService/SubmitTask",
        request=assignment_pb2.SubmitTaskRequest(task=wrong),
        refusal=names("task.input"),
    )
    yield Wire(
        name="a list of tasks in an unknown state",
        rpc="AssignmentService/ListTasks",
        request=assignment_pb2.ListTasksRequest(statuses=[number]),
        refusal=names("statuses"),
    )


CASES: list[Both | Rest | Wire] = [
    *declarations(),
    *amounts(),
    *by_json(),
    *epochs(),
    *verbs(),
    *handoffs(),
    *unknown_enums(),
]
