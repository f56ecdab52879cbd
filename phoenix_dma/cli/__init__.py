"""The command line, ``phoenix-dma``: `COMMANDS` names every command and the module that has it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperGroup

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "up": ("runtime", "Start the runtime and keep it running until Ctrl-C or `phoenix-dma down`."),
    "down": (
        "runtime",
        "Stop the runtime of the profile, or of `--data`; harmless when it is down.",
    ),
    "status": (
        "runtime",
        "Print whether the runtime of the profile, or of `--data`, is up, and its addresses.",
    ),
    "doctor": ("doctor", "Say what is wrong with a set-up, and what to do."),
    "token": ("tokens", "Print a bearer token of at most 15 minutes."),
    "run": (
        "run",
        "Run a participant's script, with `load_context` and your own functions.",
    ),
    "participants": ("participants", "List participants, or show, suspend or reinstate one."),
    "retire": ("participants", "Retire a participant, permanently."),
    "discover": ("participants", "List who is eligible for a need, ranked, and who was excluded."),
    "tasks": ("tasks", "List tasks, or show or cancel one."),
    "handoff": ("tasks", "Start a governed handoff of a task to another participant."),
    "submit": ("submit", "Submit a task."),
    "explain": ("submit", "Print who would get a task now, and why not the others."),
    "approvals": (
        "actions.approvals",
        "List what waits for a human, or show, approve or reject one.",
    ),
    "effects": (
        "actions.effects",
        "List effects of which nobody knows whether they were done, or list and show others.",
    ),
    "enrol": ("identity.commands", "Make a profile that can be one identity and nothing more."),
    "user": ("identity.commands", "Add, list and disable people, agents and programs."),
    "role": ("identity.commands", "Grant and revoke roles of an identity."),
    "tenant": ("identity.tenants", "Add and list tenants of the runtime on this machine."),
    "handoffs": ("history", "List handoffs, newest last."),
    "retirements": ("history", "List retirements and what became of the tasks."),
    "checkpoints": ("history", "List the recorded contexts of a task."),
    "audit": ("audit", "Read what happened, newest last, or verify that the record is complete."),
    "lineage": ("audit", "Print every event of a task and its children."),
    "certify": ("certify", "Grant, revoke and list certifications of capabilities."),
    "catalogue": ("policy.catalogue", "The words that the active policy knows."),
    "policy": ("policy.commands", "Your own words and rules, beside the shipped ones."),
    "mcp": (
        "mcp.commands",
        "Serve the runtime to an agent host as an MCP server, over stdio or HTTP.",
    ),
}
"""Commands, their modules (each has ``register(app: typer.Typer) -> None``) and their help.

A module is imported for its own commands alone: the list of commands needs none of them.
"""

USAGE_ERROR: Final = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""Whatever is wrong with a command line; its package depends on the release of typer."""

HELP: Final = "Phoenix DMA Runtime: governed dynamic membership."

SCRIPTS: Final = "run"
"""The command that runs somebody's script."""

EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 refused, 2 wrong command line, 3 no runtime, 4 superseded and 5 retired "
    "(run), 130 interrupted."
)


class Commands(TyperGroup):
    """The commands of `COMMANDS`, each imported when it is asked for."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # For the suggestion that follows a misspelt name.
        self.commands = cast("Any", dict.fromkeys(COMMANDS))

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        return commands_of([COMMANDS[cmd_name][0]])[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write names and help without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """As every group does; a mistake is told in words of ours."""
        given = list(args[1] if len(args) > 1 else extra.get("args", ()))
        with _explaining(given, ""):
            return super().make_context(*args, **extra)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As every group does, after ``--json`` was spelled out."""
        spelled = spelled_out(args)
        ctx.obj = spelled
        return super().parse_args(ctx, list(spelled))

    def invoke(self, ctx: Any) -> Any:
        """As every group does; a mistake is told in words of ours."""
        given = list(ctx.obj or ())
        with _explaining(given, _called(given)):
            return super().invoke(ctx)


@contextmanager
def _explaining(arguments: Sequence[str], command: str) -> Iterator[None]:
    """Raise a mistake in a command line as `mistakes.WrongCommandLine`.

    What the machine refuses ends the command with one line; an error of a script that it runs is
    the script's own, as is a fault of this program.
    """
    try:
        yield
    except USAGE_ERROR as error:
        from phoenix_dma.cli.mistakes import explained  # noqa: PLC0415  # no part of a help

        told = explained(error, arguments, command)
        if told is error:
            raise
        raise told from error
    except Exception as error:
        if command != SCRIPTS:
            end_refused(error, arguments)
        raise


def end_refused(error: Exception, arguments: Sequence[str] = ()) -> None:
    """End the command with one line where ``error`` is what the machine or the runtime refused."""
    code = None if isinstance(error, typer.Exit) else _told(error, arguments)
    if code is not None:
        raise typer.Exit(code) from error


def _told(error: Exception, arguments: Sequence[str]) -> int | None:
    from phoenix_dma.cli import faults, mistakes  # noqa: PLC0415  # no part of a help
    from phoenix_dma.cli.calls import print_refusal  # noqa: PLC0415

    found = faults.told(error)
    if found is None:
        return None
    print_refusal(found[0], mistakes.output_of(arguments))
    return found[1]


def _called(arguments: Sequence[str]) -> str:
    """The command that ``arguments`` call, and its own command where it is a group."""
    words = [word for word in arguments if not word.startswith("-")]
    if not words or words[0] not in COMMANDS:
        return ""
    inner = getattr(commands_of([COMMANDS[words[0]][0]])[words[0]], "commands", {})
    return " ".join([words[0], *(word for word in words[1:2] if word in inner)])


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """``--json`` as ``--output json``; what follows ``run``, or ``--``, is a script's own."""
    if "--json" not in arguments or arguments[0] == SCRIPTS:
        return list(arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    own = [part for argument in arguments[:end] for part in _parts(argument)]
    return [*own, *arguments[end:]]


def commands_of(modules: Iterable[str]) -> dict[str, Any]:
    """The commands that ``modules`` of this package register."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(_group)
    for name in modules:
        import_module(f"{__name__}.{name}").register(app)
    group = typer.main.get_command(app)
    return dict(getattr(group, "commands"))  # noqa: B009  # the base of groups differs by release


def build() -> typer.Typer:
    """Return the application."""
    app = typer.Typer(
        cls=Commands,
        name="phoenix-dma",
        help=HELP,
        epilog=EXIT_CODES,
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help: importing what draws boxes takes longer than the help
        pretty_exceptions_enable=False,  # shows locals, which hold tokens and passwords
    )
    app.callback()(_group)
    return app


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # what the terminal cannot show
    build()()


def _parts(argument: str) -> list[str]:
    return ["--output", "json"] if argument == "--json" else [argument]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415  # for this option alone

        from phoenix_dma.cli.output import say  # noqa: PLC0415

        say(f"phoenix-dma {version('phoenix-dma')}")
        raise typer.Exit


def _group(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Phoenix DMA Runtime: governed dynamic membership."""
    # Without a callback an application with one command would take no command's name.
    del version
