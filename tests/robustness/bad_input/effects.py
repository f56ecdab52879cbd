"""Bad input to the RPCs of effects outside the runtime, by the agent that holds the task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from phoenix_dma.v1 import assignment_pb2, effect_pb2
from tests.robustness.bad_input.cases import AGENT, Both, Refusal, Rest, Wire, names
from tests.robustness.bad_input.numbers import FAR, NOBODY, STALE
from tests.robustness.bad_input.tasks import HELD
from tests.robustness.bad_input.values import FEW_IDS

TOOL: Any = assignment_pb2.ACTION_KIND_TOOL_INVOCATION
DONE: Any = assignment_pb2.EFFECT_STATUS_DONE
NEVER = "authorization.never"


def effect(name: str, request: Message, refusal: Refusal, code: str = "INVALID_ARGUMENT") -> Wire:
    """A call of the target's agent over gRPC."""
    method = type(request).__name__.removesuffix("Request")
    rpc = f"EffectService/{method}"
    return Wire(
        name=f"{method} {name}", rpc=rpc, request=request, refusal=refusal, code=code, who=AGENT
    )


def beginning(**changes: Any) -> effect_pb2.BeginEffectRequest:
    """A beginning that is sound but for ``changes``."""
    said: dict[str, Any] = {"task_id": HELD, "epoch": 1, "kind": TOOL, "name": "notify"}
    return effect_pb2.BeginEffectRequest(**{**said, **changes})


def outcome(**changes: Any) -> effect_pb2.RecordEffectRequest:
    """An outcome of an effect that was never begun."""
    said = {"task_id": HELD, "epoch": 1, "authorization_id": NEVER, "status": DONE}
    return effect_pb2.RecordEffectRequest(**{**said, **changes})


def beginnings() -> Iterator[Wire]:
    for kind, value in FEW_IDS.items():
        yield effect(f"of a task {kind}", beginning(task_id=value), names("task_id"))
    for epoch in (-1, -(1 << 63), 0):
        yield effect(f"under epoch {epoch}", beginning(epoch=epoch), names("epoch"))
    unknown: Any = 99
    yield effect("of an unknown kind", beginning(kind=unknown), names("kind"))
    for name in ("", "mer ge", "mеrge", "a" * 129, "complete"):
        yield effect(f"by the name {name!r}", beginning(name=name), names("name"))
    yield effect("in no domain", beginning(domain="a\u202eb"), names("domain"))
    for text in ("nan", "inf"):
        wrong = beginning()
        wrong.subject.fields["a"].number_value = float(text)
        yield effect(f"with {text}", wrong, names("subject"))
    large = beginning()
    large.subject.fields["a"].string_value = "b" * (64 << 10)
    yield effect("of 64 KiB and more", large, Refusal(reason="TOO_LARGE"), "RESOURCE_EXHAUSTED")


def outcomes() -> Iterator[Wire]:
    for kind, value in FEW_IDS.items():
        wrong = outcome(authorization_id=value)
        yield effect(f"of an effect {kind}", wrong, names("authorization_id"))
    unknown: Any = 99
    for status in (unknown, assignment_pb2.EFFECT_STATUS_BEGUN):
        yield effect(f"as {status}", outcome(status=status), names("status"))
    wrong = outcome(status=assignment_pb2.EFFECT_STATUS_NOT_DONE)
    wrong.outcome.fields["a"].bool_value = True
    yield effect("with an outcome of what was not done", wrong, names("outcome"))
    wrong = outcome()
    wrong.outcome.fields["a"].number_value = float("nan")
    yield effect("with nan", wrong, names("outcome"))
    yield effect("that was never begun", outcome(), NOBODY, "NOT_FOUND")


def readings() -> Iterator[Wire]:
    for kind, value in FEW_IDS.items():
        request = effect_pb2.GetEffectRequest(authorization_id=value)
        yield effect(f"of an id {kind}", request, names("authorization_id"))
    request = effect_pb2.GetEffectRequest(authorization_id=NEVER)
    yield effect("that was never begun", request, NOBODY, "NOT_FOUND")
    token = effect_pb2.ListEffectsRequest(page_token="nonsense")
    yield effect("with a token of nobody", token, names("page_token"))
    size = effect_pb2.ListEffectsRequest(page_size=201)
    yield effect("with pages of 201", size, names("page_size"))


def far_epochs() -> Iterator[Wire]:
    """Whole numbers of 64 bits that no double carries."""
    for epoch in FAR:
        yield effect(f"by {epoch}", beginning(epoch=epoch), STALE, "ABORTED")
        yield effect(f"by {epoch}", outcome(epoch=epoch), STALE, "ABORTED")


def over_rest() -> Iterator[Rest]:
    """What only a path or a body of JSON can say."""
    target = f"/v1/tasks/{HELD}/effects"
    for name, content in {
        "a status that is none": b'{"epoch": 1, "status": "perhaps"}',
        "an outcome that is a text": b'{"epoch": 1, "status": "done", "outcome": "yes"}',
    }.items():
        field = "status" if "perhaps" in content.decode() else "outcome"
        yield Rest(
            name=f"an effect with {name}",
            target=f"{target}/{NEVER}/record",
            content=content,
            refusal=names(field),
            who=AGENT,
        )
    yield Rest(
        name="an effect of a kind that is none",
        target=target,
        content=b'{"epoch": 1, "kind": "prayer", "name": "notify"}',
        refusal=names("kind"),
        who=AGENT,
    )


CASES: list[Both | Rest | Wire] = [
    *beginnings(),
    *outcomes(),
    *readings(),
    *far_epochs(),
    *over_rest(),
]
