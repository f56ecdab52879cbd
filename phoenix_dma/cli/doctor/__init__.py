"""``phoenix-dma doctor``: says what is wrong with a set-up, and what to do about each point."""

from __future__ import annotations

from typing import Final

import typer

from phoenix_dma.cli.output import (
    REFUSED,
    DataOption,
    Output,
    OutputOption,
    counted,
    print_json,
    say,
)

MARKS: Final = {True: "ok      ", False: "problem "}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(data: DataOption = None, output: OutputOption = Output.TABLE) -> None:
    """Say what is wrong with a set-up, and what to do.

    Works with the SDK alone and with nothing running. Exit code 0 only where all is fine.
    """
    # Not at the top: the help of a command waits for nothing.
    from phoenix_dma.cli.doctor import client, machine  # noqa: PLC0415

    findings = [*client.findings(), *machine.findings(data)]
    problems = [finding for finding in findings if not finding.ok]
    if output is Output.JSON:
        checks = [finding.document() for finding in findings]
        print_json({"ok": not problems, "checks": checks})
    else:
        for finding in findings:
            say(f"{MARKS[finding.ok]} {finding.name}: {finding.found}")
            if not finding.ok:
                say(f"          what to do: {finding.remedy}")
        say()
        say(f"{counted(len(problems), 'problem')}" if problems else "everything is fine")
    if problems:
        raise typer.Exit(REFUSED)
