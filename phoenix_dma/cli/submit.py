"""``phoenix-dma submit`` and ``explain``: submit a task, or ask who would get it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix_dma.briefing import TaskInfo, task_info
from phoenix_dma.cli.calls import call_runtime, word
from phoenix_dma.cli.follow import follow_task
from phoenix_dma.cli.output import (
    REFUSED,
    Output,
    OutputOption,
    bad,
    print_json,
    print_table,
    say,
    unreadable,
)
from phoenix_dma.cli.tasks import show_task
from phoenix_dma.declare import TaskFields, unknown_fields
from phoenix_dma.declare import task as declared
from phoenix_dma.v1 import assignment_pb2, common_pb2
from phoenix_dma.wire.conversions import short, time_from

if TYPE_CHECKING:
    from phoenix_dma.aio.client import AsyncPhoenixClient

File = Annotated[
    str,
    typer.Argument(help="A JSON file with the task, - for stdin; an option wins over it."),
]
TaskId = Annotated[str, typer.Option("--id", help="Its id; a new one where not given.")]
Objective = Annotated[str, typer.Option(help="One sentence: what is wanted.")]
Capability = Annotated[
    list[str] | None, typer.Option(help="A capability that it needs. Repeatable.")
]
Domain = Annotated[list[str] | None, typer.Option(help="Data that it is about. Repeatable.")]
Risk = Annotated[str, typer.Option(help="Its risk: low, medium or high; low where not given.")]
Constraint = Annotated[
    list[str] | None, typer.Option(help="A constraint of policy for it. Repeatable.")
]
Given = Annotated[str, typer.Option("--input", help="Its input, a JSON object.")]
MaxLosses = Annotated[
    int | None, typer.Option(help="Fail after so many lost owners; 3 where not given, 0 never.")
]
Assign = Annotated[bool, typer.Option("--assign", help="Assign it now, and print the scores.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended; say how it gets on.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(submit)
    app.command()(explain)


def submit(
    file: File = "",
    task_id: TaskId = "",
    objective: Objective = "",
    capability: Capability = None,
    domain: Domain = None,
    risk: Risk = "",
    constraint: Constraint = None,
    given: Given = "",
    max_losses: MaxLosses = None,
    assign: Assign = False,
    wait: Wait = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Submit a task.

    phoenix-dma submit task.json --wait

    phoenix-dma submit --objective "Review" --capability customer_validation

    phoenix-dma submit task.json --risk high --input '{"records": []}'
    """
    flags: dict[str, Any] = {
        "task_id": task_id,
        "objective": objective,
        "required_capabilities": capability,
        "data_domains": domain,
        "risk_level": known_risk(risk),
        "policy_constraints": constraint,
        "input": _object(given, "--input", '{"records": []}') if given else None,
    }
    given_fields = {name: value for name, value in flags.items() if value}
    if max_losses is not None:
        given_fields["max_losses"] = max_losses
    declaration = declare(_read(file) | given_fields)
    found = call_runtime(lambda client: _submitted(client, declaration, assign, wait), output)
    _show(found, output)
    if wait and isinstance(found, TaskInfo) and found.status != "succeeded":
        raise typer.Exit(REFUSED)


async def _submitted(
    client: AsyncPhoenixClient,
    declaration: assignment_pb2.TaskDeclaration,
    assign: bool,
    wait: bool,
) -> TaskInfo | assignment_pb2.AssignTaskResponse:
    if not assign:
        made = await client.api.submit(declaration)
        return await follow_task(client.api, made) if wait else made
    answer = await client.api.assign(declaration)
    return await follow_task(client.api, task_info(answer.task)) if wait else answer


def _show(found: TaskInfo | assignment_pb2.AssignTaskResponse, output: Output) -> None:
    if output is Output.JSON:
        print_json(found.message if isinstance(found, TaskInfo) else found)
    elif isinstance(found, TaskInfo):
        show_task(found)
    else:
        decision = short(assignment_pb2.AssignmentDecision, found.decision)
        say(f"{found.task.task_id}: {decision}, {found.participant_id or 'nobody yet'}")
        say(found.explanation, lines=True)
        _show_scores(found)


def explain(
    task: Annotated[str, typer.Argument(help="A task's id, or a JSON file with one (- stdin).")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Print who would get a task now, and why not the others; changes nothing.

    phoenix-dma explain task.customer-merge-review.8841
    """
    fields = _read(task) if _names_file(task) else {"task_id": task}
    declaration = declare(fields)
    found = call_runtime(lambda client: client.api.explain(declaration), output)
    if output is Output.JSON:
        print_json(found)
        return
    say(found.explanation, lines=True)
    _show_scores(found)


def _names_file(task: str) -> bool:
    """Whether ``task`` is a file, also one that is not there, and no task's id."""
    return task == "-" or "/" in task or task.endswith(".json") or Path(task).is_file()


def known_risk(risk: str) -> str:
    """The level, or nothing; ends the command for another word."""
    word(common_pb2.RiskLevel, risk, "--risk")
    return risk


def declare(fields: dict[str, Any]) -> assignment_pb2.TaskDeclaration:
    """The declaration of a JSON object in the paper's shape; ends the command for another."""
    wrong = unknown_fields(fields, TaskFields, "a task")
    if wrong:
        known = ", ".join(sorted(TaskFields.__annotations__))
        raise bad(f"{'; '.join(wrong)} (its fields are {known})")
    try:
        if isinstance(fields.get("deadline"), str):
            fields["deadline"] = time_from(fields["deadline"], "deadline")
        made: TaskFields = fields  # type: ignore[assignment]  # the names were checked above
        return declared(made)
    except UnicodeError as error:
        raise bad("a text holds half a character, which is no Unicode") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise bad(str(error)) from error


def _read(file: str) -> dict[str, Any]:
    if not file:
        return {}
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeError) as error:
        raise unreadable(file, error) from error
    return _object(text, "stdin" if file == "-" else file)


def _object(text: str, where: str, such_as: str = '{"objective": "…"}') -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise bad(f"{where} is no JSON: it cannot be read from {place} on") from error
    except (ValueError, RecursionError) as error:
        raise bad(f"{where} is no JSON that can be read: a number or the nesting") from error
    if not isinstance(found, dict):
        raise bad(f"{where} is no JSON object; write one, such as {such_as}")
    return found


def _show_scores(
    answer: assignment_pb2.AssignTaskResponse | assignment_pb2.ExplainAssignmentResponse,
) -> None:
    rows: list[tuple[object, ...]] = []
    if answer.participant_id:
        rows.append((answer.participant_id, f"{answer.score.total:.3f}", "chosen"))
        rows += [
            ("", f"  {t.value:.2f} x {t.weight:.2f}", f"{t.name}: {t.because}")
            for t in answer.score.terms
        ]
    for other in answer.alternatives:
        total = f"{other.score.total:.3f}" if other.HasField("score") else ""
        rows.append((other.participant_id, total, f"{other.failed}: {other.because}"))
    print_table(("participant", "score", "because"), rows, empty="nobody came near")
