"""The input of every decision point (`INPUTS`)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from phoenix_runtime.core.policy_inputs.parts import (
    APPROVALS,
    CALLER,
    CLAIMS,
    HIDDEN,
    OBLIGATIONS,
    STANDING,
    SUBJECT_HASH,
    TASK,
    TRUST,
)
from phoenix_runtime.core.policy_inputs.shapes import (
    Path,
    Shape,
    content,
    flag,
    maybe,
    number,
    record,
    records,
    text,
    texts,
)
from phoenix_runtime.core.verdict import DecisionPoint


def _task(meaning: str = "The task.", /, **more: Shape) -> Shape:
    return record(meaning, **TASK, **more)


def _participant(meaning: str, /, **more: Shape) -> Shape:
    return record(meaning, **STANDING, **more)


def _input(**fields: Shape) -> Shape:
    return record("", **fields, caller=CALLER)


INPUTS: Final[Mapping[DecisionPoint, Shape]] = MappingProxyType(
    {
        DecisionPoint.JOIN: _input(
            claims=record("What the participant declares.", **CLAIMS),
            existing=maybe(
                record(
                    "What is known of the id; null where it is new.",
                    owner=text("Its owner."),
                    type=text("Its type."),
                    status=text("Its status."),
                    generation=number("How often it registered."),
                )
            ),
            hidden=HIDDEN,
        ),
        DecisionPoint.UPDATE_CAPABILITIES: _input(
            participant=_participant("The participant as it is."),
            claims=record("What it declares now.", **CLAIMS),
            hidden=HIDDEN,
        ),
        DecisionPoint.DISCOVER: _input(
            candidate=_participant("One candidate."),
            requirement=record(
                "What is asked for.",
                required_capabilities=texts("What the candidate has to be able to do."),
                data_domains=texts("Where it has to work."),
                risk_level=text("low, medium or high."),
                policy_constraints=texts("The constraints of the task."),
                task_id=text("The task, empty for none.", optional=True),
                task_type=text("The type of the task, empty for none.", optional=True),
                degraded_allowed=flag("Whether it may be degraded.", optional=True),
            ),
            trust=TRUST,
        ),
        DecisionPoint.REMAIN: _input(
            participant=_participant(
                "The participant.",
                claims=maybe(record("What it declared, to be judged anew.", **CLAIMS)),
            ),
            trust=TRUST,
            hidden=HIDDEN,
        ),
        DecisionPoint.RETIRE: _input(
            participant=_participant("The participant."),
            mode=text("graceful or immediate."),
            reason=text("Why, in words.", optional=True),
        ),
        DecisionPoint.SUBMIT: _input(
            task=_task(input=content("What is submitted with it.", optional=True)),
            parent=maybe(
                _task(
                    "The task that it is a child of; null where it is none.",
                    assignee=text("Who holds the parent."),
                )
            ),
            hidden=HIDDEN,
        ),
        DecisionPoint.ASSIGN: _input(
            task=_task(),
            candidate=_participant("Who would get it."),
            score=maybe(
                record(
                    "How well the candidate fits; null where it is not scored.",
                    total=number("The sum, from 0 to 1."),
                    terms=records(
                        "Its terms.",
                        name=text("capability_match, availability, …."),
                        value=number("From 0 to 1."),
                        weight=number("Its weight."),
                        because=text("Why, in words."),
                    ),
                )
            ),
            trust=TRUST,
            subject_hash=SUBJECT_HASH,
            approvals=APPROVALS,
        ),
        DecisionPoint.OPERATE: _input(
            task=_task(),
            assignee=_participant("Who wants to act."),
            kind=text("tool_invocation, data_read, data_mutation or final_action."),
            name=text("The operation, such as merge."),
            domain=text("The data domain that it touches, empty for none.", optional=True),
            subject=content("What exactly it wants to do, as the human is shown it."),
            subject_hash=SUBJECT_HASH,
            approvals=APPROVALS,
            effect=maybe(
                record(
                    "The effect outside, where it was begun before and is not done; else null.",
                    authorization_id=text("Its id."),
                    status=text("unknown or not_done."),
                    idempotent=flag("Whether it may be repeated under its idempotency key."),
                    begun=number("How often it was begun."),
                    begun_by=text("Who began it last."),
                )
            ),
            hidden=HIDDEN,
        ),
        DecisionPoint.HANDOFF: _input(
            task=_task(),
            source=maybe(
                _participant(
                    "Who loses it; null where unknown.",
                )
            ),
            target=_participant("Who would get it."),
            reason=text("Why: requested, lost, participant_retirement, …."),
            handoff_id=text("The handoff.", optional=True),
            requested_by=text("Who asked for the handoff.", optional=True),
            trust=TRUST,
            subject_hash=SUBJECT_HASH,
            approvals=APPROVALS,
        ),
        DecisionPoint.COMPLETE: _input(
            task=_task(),
            assignee=maybe(
                _participant(
                    "Whose result it is; without an id where gone.",
                )
            ),
            result=content("The result."),
            result_hash=text("The hash of the whole result."),
            open_obligations=OBLIGATIONS,
            subject_hash=SUBJECT_HASH,
            approvals=APPROVALS,
            hidden=HIDDEN,
        ),
        DecisionPoint.DECIDE_APPROVAL: _input(
            approval=record(
                "The question.",
                approval_id=text("Its id."),
                task_id=text("The task."),
                action=text("What is to be approved."),
                subject=content("The content that is to be approved."),
                subject_hash=text("The hash of the whole content."),
                status=text("pending, …."),
                approvers=texts("Roles or ids of whom one must decide."),
                barred=texts("Who may not decide."),
                barred_owners=texts("Owners who may not decide."),
                proposed_by=text("Whose proposal it is.", optional=True),
            ),
            decision=text("approve or reject."),
            comment=text("Why, in words."),
            hidden=HIDDEN,
        ),
        DecisionPoint.ACTIVATE_POLICY: _input(
            bundle=record(
                "The revision.",
                revision=text("Its digest."),
                uploaded_by=text("Who uploaded it last; empty for the shipped bundle."),
                pending=flag("Whether no policy was activated since then, or it decides already."),
                tests=record(
                    "Its own tests.",
                    passed=number("How many passed."),
                    failed=number("How many failed."),
                ),
            ),
            development=flag("Whether the installation is one for development."),
        ),
        DecisionPoint.READ_AUDIT: _input(
            filter=record(
                "What is to be read; empty texts do not filter.",
                participant=text("", optional=True),
                task=text("", optional=True),
                types=texts("Types of events.", optional=True),
                policy_decision=text("", optional=True),
                handoff=text("", optional=True),
                correlation_id=text("", optional=True),
                since=text("", optional=True),
                until=text("", optional=True),
            ),
            task=maybe(
                record(
                    "The task of a lineage; absent for other reads.",
                    task_id=text("Its id."),
                    submitter=text("Who submitted it."),
                    assignee=text("Who holds it, as the ledger knows."),
                )
            ),
        ),
    }
)

CONTENT: Final[Mapping[DecisionPoint, tuple[Path, ...]]] = MappingProxyType(
    {
        DecisionPoint.JOIN: (("claims", "metadata"),),
        DecisionPoint.UPDATE_CAPABILITIES: (("claims", "metadata"),),
        DecisionPoint.REMAIN: (("participant", "claims", "metadata"),),
        DecisionPoint.SUBMIT: (("task", "input"),),
        DecisionPoint.OPERATE: (("subject",),),
        DecisionPoint.COMPLETE: (("result",),),
        DecisionPoint.DECIDE_APPROVAL: (("approval", "subject"),),
    }
)
"""Where the content of each point stands; it is bounded and redacted before policy sees it."""

MAY_BE_LEFT_OUT: Final[Mapping[DecisionPoint, Mapping[str, tuple[Path, ...]]]] = MappingProxyType(
    {
        DecisionPoint.COMPLETE: {
            "assignee": tuple(("assignee", name) for name in STANDING if name != "id")
        }
    }
)
"""What an asker may leave out where no rule reads it: parts by name, and the paths that lack then.

To read a participant's standing costs a call. The shipped rules read none of these paths."""
