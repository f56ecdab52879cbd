"""``phoenix-dma catalogue``: the words that the active policy knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from phoenix_dma.cli.calls import call_runtime
from phoenix_dma.cli.output import (
    Output,
    OutputOption,
    print_json,
    print_table,
    say,
)
from phoenix_dma.wire.conversions import json_of

group = typer.Typer(help="The words that the active policy knows.", no_args_is_help=True)


class Kind(StrEnum):
    """The vocabularies of the catalogue that tasks, claims and operations name."""

    CAPABILITY = "capability"
    DOMAIN = "domain"
    PERMISSION = "permission"
    CONSTRAINT = "constraint"
    TYPE = "type"
    OPERATION = "operation"
    TRUST_POLICY = "trust_policy"
    OWNER = "owner"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="catalogue")


@group.command("list")
def list_them(
    kind: Annotated[Kind | None, typer.Argument(help="Only this vocabulary.")] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the words: capabilities, domains, permissions and the rest.

    phoenix-dma catalogue list capability
    """
    found = call_runtime(lambda client: client.api.get_catalogue(), output)
    if output is Output.JSON:
        print_json(found)
        return
    document = json_of(found.catalogue)
    rows = [row for row in catalogue_rows(document) if kind is None or row[0] == kind.value]
    print_table(("kind", "name", "meaning"), rows, empty="the catalogue has none")
    say(f"policy {found.policy_revision}")


def catalogue_rows(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(vocabulary, name, meaning) of every word, sorted by name within its vocabulary."""
    for kind, (section, meaning) in MEANINGS.items():
        words = document.get(section, ())
        specs = words if isinstance(words, Mapping) else dict.fromkeys(words)
        for name in sorted(specs):
            default = name == document.get("default_trust_policy") and kind is Kind.TRUST_POLICY
            yield kind, name, meaning(specs[name]) + ("; the default" if default else "")


def _capability(spec: Mapping[str, Any]) -> str:
    note = ", matched only when certified" if spec["risk"] == "high" else ""
    return f"{spec['risk']} risk{note}"


def _trust_policy(spec: Mapping[str, Any]) -> str:
    return "asks for " + ", ".join(f"{risk} {least:g}" for risk, least in spec["threshold"].items())


def _domain(spec: Mapping[str, Any]) -> str:
    contained = ", ".join(spec.get("contains", []))
    return f"contains {contained}" if contained else ""


def constraint_meaning(spec: Mapping[str, Any]) -> str:
    """What a constraint does to a task that carries it, in words."""
    parts = []
    if "gates" in spec:
        parts.append(f"a human approves {_pattern(spec['gates'])}")
    if "denies" in spec:
        parts.append(f"forbids {_pattern(spec['denies'])}")
    if "permits" in spec:
        parts.append(f"permits {_pattern(spec['permits'])}")
    if "obliges" in spec:
        obliges = spec["obliges"]
        met_by = f" (met by {obliges['met_by']})" if "met_by" in obliges else ""
        parts.append(f"obliges: {obliges['text']}{met_by}")
    return "; ".join(parts)


def _pattern(pattern: Mapping[str, Any]) -> str:
    point = pattern.get("point", "")
    rest = [f"{key} {value}" for key, value in pattern.items() if key != "point"]
    return " ".join([point, *rest]).strip()


MEANINGS: Final[Mapping[Kind, tuple[str, Callable[[Any], str]]]] = {
    Kind.CAPABILITY: ("capabilities", _capability),
    Kind.DOMAIN: ("domains", _domain),
    Kind.PERMISSION: (
        "permissions",
        lambda spec: f"{', '.join(spec['actions'])} on {', '.join(spec['domains'])}",
    ),
    Kind.CONSTRAINT: ("constraints", constraint_meaning),
    Kind.TYPE: ("participant_types", lambda _: ""),
    Kind.OPERATION: ("needs", lambda action: f"needs a permission to {action}"),
    Kind.TRUST_POLICY: ("trust_policies", _trust_policy),
    Kind.OWNER: ("owners", lambda spec: f"may be granted to {', '.join(spec['actions'])}"),
}
"""The section of the catalogue that defines each vocabulary, and how a word of it is explained."""
