"""The guide for other languages names every reason and directive, and only routes that exist."""

import re
from pathlib import Path

import pytest

from gateway.rest.routes import rest_routes
from phoenix_dma.v1 import session_pb2
from phoenix_dma.wire.context_kinds import CONTEXT_KINDS
from phoenix_runtime.chassis.schema import rpcs

PAGE = (Path(__file__).parents[2] / "docs" / "any-language.md").read_text()
ROUTES = {(route.method, re.sub(r"\{[^}]*\}", "<>", route.path)) for route in rest_routes()}


def said(prefix: str, names: list[str]) -> list[str]:
    """The short names, as the page writes them, without the unspecified one."""
    return [name.removeprefix(prefix) for name in names[1:]]


@pytest.mark.parametrize(
    "name",
    [
        *said("LEASE_LOST_REASON_", session_pb2.LeaseLostReason.keys()),
        *said("DIRECTIVE_ACTION_", session_pb2.DirectiveAction.keys()),
    ],
)
def test_it_says_what_to_do(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|.+\|", PAGE, re.MULTILINE)


def test_every_route_that_it_names_exists() -> None:
    named = re.findall(r"\b(GET|POST) (/[a-z0-9/<>._-]+[a-z>])", PAGE)
    assert len(named) > 10
    pages = {("GET", "/openapi.json")}
    asked = {(method, re.sub(r"<[^>]*>", "<>", path)) for method, path in named}
    assert asked <= ROUTES | pages


def test_every_rpc_that_it_names_exists() -> None:
    named = re.findall(r"`(?:\w+Service\.)?([A-Z][A-Za-z]+)\(", PAGE)
    messages = {"Attach", "Lease", "Beats", "BeatAck", "Refresh", "Goodbye", "Directive"}
    assert set(named) - messages - {"DirectiveAck"} <= {rpc.method for rpc in rpcs().values()}


def test_it_lists_the_kinds_that_a_context_may_hold() -> None:
    assert all(re.search(rf"\b{kind}\b", PAGE) for kind in CONTEXT_KINDS)
