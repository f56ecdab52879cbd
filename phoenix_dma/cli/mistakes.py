"""Says what is wrong with a command line in the form of every other error; such a command ends 2.

The parser's classes are looked at by their names: which package they come from depends on the
release of typer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import IO, Any, Final

from phoenix_dma.cli import USAGE_ERROR
from phoenix_dma.cli.calls import print_refusal
from phoenix_dma.cli.output import Output
from phoenix_dma.errors import PhoenixError
from phoenix_dma.nearest import did_you_mean

UsageError: Any = USAGE_ERROR

HELP_ALONE: Final = "NoArgsIsHelpError"
"""Not a mistake to explain: a group without a command prints its help."""


class CommandLineError(PhoenixError):
    """A command line, or a file that it names, is wrong; nothing was sent."""

    reason = "COMMAND_LINE"


class WrongCommandLine(UsageError):  # type: ignore[misc]
    """A mistake in words of ours, which the parser prints and ends with exit code 2."""

    def __init__(self, text: str, command: str, output: Output) -> None:
        super().__init__(text)
        self._command = command
        self._output = output

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it to standard error, as `print_refusal` prints every refusal."""
        del file
        remedy = f"Correct it; `{self._command} --help` says what it takes."
        print_refusal(CommandLineError(self.message, remedy=remedy), self._output)


def explained(error: Any, arguments: Sequence[str], command: str) -> Any:
    """``error`` in words of ours; what is no mistake, or is ours already, as it is.

    ``command`` is what was called as far as it is known, where the error does not know it.
    """
    if isinstance(error, WrongCommandLine) or type(error).__name__ == HELP_ALONE:
        return error
    called = " ".join(error.ctx.command_path.split()[1:]) if error.ctx is not None else command
    return WrongCommandLine(sentence(error), f"phoenix-dma {called}".strip(), output_of(arguments))


def output_of(arguments: Sequence[str]) -> Output:
    """What a command line that may be wrong asks for: programs get their errors as JSON."""
    pairs = pairwise(arguments)
    as_json = any(one in {"-o", "--output"} and other == "json" for one, other in pairs)
    alone = {"--json", "--output=json", "-ojson"} & set(arguments)
    return Output.JSON if as_json or alone else Output.TABLE


def sentence(error: Any) -> str:
    """What is wrong, beginning with the option or argument that it is wrong with."""
    said = SENTENCES.get(type(error).__name__)
    return said(error) if said is not None else _plain(error.message)


def _missing(error: Any) -> str:
    param = error.param
    what = "argument" if param is None or param.param_type_name == "argument" else "option"
    choices = getattr(getattr(param, "type", None), "choices", ())
    among = f"; it is one of: {', '.join(map(_word, choices))}" if choices else ""
    return f"the {what} {_named(error)} is missing{among}"


def _no_option(error: Any) -> str:
    known = error.possibilities or _options_of(error.ctx)
    return f"there is no option {error.option_name}{did_you_mean(error.option_name, known)}"


def _option_usage(error: Any) -> str:
    if "requires" in error.message:
        return f"{error.option_name} needs a value"
    return _plain(error.message)


def _bad(error: Any) -> str:
    name, text = _named(error), _plain(error.message, getattr(error, "param", None))
    if not name or text.startswith(f"{name} "):
        return text
    return f"{name}: {text}"


SENTENCES: Final[Mapping[str, Callable[[Any], str]]] = {
    "MissingParameter": _missing,
    "NoSuchOption": _no_option,
    "BadOptionUsage": _option_usage,
    "BadParameter": _bad,
}


def _named(error: Any) -> str:
    """The option or the argument, as it is written."""
    hint = error.param_hint
    if hint:
        return hint if isinstance(hint, str) else " ".join(hint)
    param = error.param
    if param is None:
        return ""
    if param.param_type_name == "argument":
        return str(param.metavar or param.name).upper()
    return str(next((name for name in param.opts if name.startswith("--")), param.opts[0]))


def _options_of(context: Any) -> list[str]:
    if context is None:
        return []
    return [name for param in context.command.params for name in getattr(param, "opts", ())]


WORDS: Final[Sequence[tuple[str, str]]] = (
    (r"(.*) is not a valid int(?:eger)?(?: range)?", r"\1 is no whole number"),
    (r"(.*) is not a valid float(?: range)?", r"\1 is no number"),
    (r"(.*) is not a valid boolean.*", r"\1 is neither true nor false"),
    (r"(?:File|Path|Directory) '(.*)' does not exist", r"\1 is not there"),
    (r"File '(.*)' is a directory", r"\1 is a folder, not a file"),
    (r"(?:File|Path|Directory) '(.*)' is not readable", r"\1 cannot be read"),
    (r"No such command (.*?)\. Did you mean (.*)\?", r"there is no command \1; did you mean \2?"),
    (r"No such command (.*)", r"there is no command \1"),
    (r"Got unexpected extra arguments? ?(?:\(s\) )?\((.*)\)", r"\1 is more than it takes"),
    (r"Missing command", "a command is missing"),
)
"""The parser's wording and ours."""


def _plain(message: str, param: Any = None) -> str:
    text = message.rstrip(".")
    beyond = re.fullmatch(r"(.*) is not in the range .*", text)
    if beyond is not None and param is not None:
        return f"{beyond[1]} is out of range: {_range(param.type)}"
    choices = getattr(getattr(param, "type", None), "choices", ())
    unknown = re.fullmatch(r"(.*) is not one of .*", text)
    if unknown is not None and choices:
        return f"{unknown[1]} is none of: {', '.join(map(_word, choices))}"
    for pattern, ours in WORDS:
        found = re.fullmatch(pattern, text, re.DOTALL)
        if found is not None:
            return found.expand(ours)
    return text


def _range(kind: Any) -> str:
    if kind.max is None:
        return f"{kind.min} or more"
    return f"at most {kind.max}" if kind.min is None else f"{kind.min} to {kind.max}"


def _word(choice: Any) -> str:
    return str(getattr(choice, "value", choice))
