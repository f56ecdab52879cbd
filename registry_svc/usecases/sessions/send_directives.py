"""SendDirectives: stores directives and has them delivered."""

from collections.abc import Sequence
from typing import Final

from phoenix_runtime.core.characters import nul_in
from phoenix_runtime.core.directives import Directive
from phoenix_runtime.core.principal import Call
from registry_svc.domain.checks import Checks
from registry_svc.domain.session import ParticipantKey
from registry_svc.usecases.context import RegistryContext
from registry_svc.usecases.sessions.directive_queue import DirectiveQueue

MAX_SENT: Final = 500
FACTS_SIZE: Final = 4096


class SendDirectives:
    """Stores directives and has them delivered. Raises `FieldInvalid`."""

    def __init__(self, context: RegistryContext, queue: DirectiveQueue) -> None:
        self._context = context
        self._queue = queue

    async def __call__(self, call: Call, directives: Sequence[Directive]) -> int:
        """Store directives until acknowledged; answers how many were new."""
        _check(directives)
        async with self._context.units.single(call) as unit:
            accepted = await unit.add_directives(directives)
        keys = {ParticipantKey(call.tenant, one.participant_id) for one in directives}
        connected = {key for key in keys if self._context.sessions.connected(key)}
        self._queue.want(connected)
        self._queue.forward(keys - connected)
        return accepted


def _check(directives: Sequence[Directive]) -> None:
    checks = Checks()
    if len(directives) > MAX_SENT:
        checks.refuse("directives", f"has {len(directives)} entries; at most {MAX_SENT} are taken")
    for index, one in enumerate(directives[:MAX_SENT]):
        _check_directive(checks, f"directives[{index}]", one)
    checks.raise_any()


def _check_directive(checks: Checks, path: str, directive: Directive) -> None:
    checks.identifier(f"{path}.directive_id", directive.directive_id)
    checks.identifier(f"{path}.participant_id", directive.participant_id)
    for name in ("task_id", "handoff_id", "offer_id"):
        if getattr(directive, name):
            checks.identifier(f"{path}.{name}", getattr(directive, name))
    if directive.epoch < 0:
        checks.refuse(f"{path}.epoch", "is negative")
    size = sum(len(name) + len(value) for name, value in directive.facts.items())
    if size > FACTS_SIZE:
        checks.refuse(f"{path}.facts", f"has {size} characters; at most {FACTS_SIZE} are taken")
    for fault in filter(None, (nul_in(text) for fact in directive.facts.items() for text in fact)):
        checks.refuse(f"{path}.facts", fault)
