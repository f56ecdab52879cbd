"""What both policy engines share: a session that holds one bundle, and how to evaluate in it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from governance_svc.adapters.policy_engines.carried_batch import carried, put_together
from phoenix_runtime.core.errors import PolicyEngineUnavailable
from phoenix_runtime.core.json import Json, JsonObject
from phoenix_runtime.core.verdict import DecisionPoint

INSPECTOR: Final = "phoenix_engine"
"""The package of the runtime's own module in the engine; a bundle may not define it."""

UNKNOWN_REVISION: Final = "?"
"""In place of a revision where every input ended in an error."""


_OWN_WORDS: Final = re.compile(
    rf"^(?:{INSPECTOR}\.rego:\d+: eval_builtin_error: rego\.parse_module: )?"
    r"\d+ errors? occurred:\s*(?=\S)"
)
"""What stands before errors of syntax: where the inspector asked for the tree, and their number."""


MAX_ERROR: Final = 4096
"""So many characters of an engine's error are kept: it becomes a field of an answer."""


class RegoError(Exception):
    """The engine answered with an error: of syntax, of compilation or of evaluation.

    Its text is one line, as an answer's field is: each error with the line of Rego that it shows,
    without the mark below that line.
    """

    def __init__(self, text: str) -> None:
        lines = [line for line in _OWN_WORDS.sub("", text).split("\n") if line.strip(" \t^")]
        told = "".join(f": {one.strip()}" if one[0] in " \t" else f"; {one}" for one in lines)
        super().__init__(told.removeprefix("; ")[:MAX_ERROR])


@contextmanager
def engines_fault(what: str, *, lasting: bool = False) -> Iterator[None]:
    """Around what asks no rule of a bundle: an error there is the engine's, and no bundle's.

    Raises `PolicyEngineUnavailable` in its place, which begins with ``what``.
    """
    try:
        yield
    except RegoError as error:
        raise PolicyEngineUnavailable(f"{what}: {error}", lasting=lasting) from error


class NoEngine(PolicyEngineUnavailable):
    """What was started or answered as the policy engine is certainly none."""

    def __init__(self, text: str) -> None:
        super().__init__(text, lasting=True)


class EvaluationAborted(PolicyEngineUnavailable):
    """The engine did not answer within the deadline, or died while it evaluated."""


class PolicySession(Protocol):
    """One engine that holds one bundle. Raises `PolicyEngineUnavailable` where it is away."""

    async def put_modules(self, modules: Mapping[str, str]) -> None:
        """Add Rego modules by path; raises `RegoError` where they do not compile."""
        ...

    async def put_data(self, name: str, value: Json) -> None:
        """Set ``data.<name>``."""
        ...

    async def document(self, path: str, input_document: Json) -> Json:
        """The value of ``data.<path>`` (dotted), None where undefined; raises `RegoError`."""
        ...

    async def documents(self, paths: Sequence[str]) -> Sequence[Json]:
        """The values of several documents without an input, as `document` gives them."""
        ...

    async def activate(self, revision: str) -> None:
        """Answer evaluations from now on: the bundle is complete and admitted."""
        ...


async def evaluate(
    session: PolicySession, point: DecisionPoint, inputs: Sequence[JsonObject]
) -> tuple[str, Json]:
    """The active revision that answers, empty where none is active, and the raw answer.

    A batch that ends in an error is evaluated again input by input, so that one input that the
    rules do not expect does not deny all the others; an input that fails alone is answered by its
    error.
    """
    try:
        return await _evaluate_batch(session, point, inputs)
    except RegoError as error:
        if len(inputs) == 1:
            return UNKNOWN_REVISION, [_error_answer(error)]
    answers: list[Json] = []
    revision = UNKNOWN_REVISION
    for one in inputs:
        answering, answer = await evaluate(session, point, [one])
        revision = answering if answering != UNKNOWN_REVISION else revision
        # Anything but a list of one is kept as it is: it will be read as a denial.
        answers.append(answer[0] if isinstance(answer, list) and len(answer) == 1 else answer)
    return revision, answers


async def _evaluate_batch(
    session: PolicySession, point: DecisionPoint, inputs: Sequence[JsonObject]
) -> tuple[str, Json]:
    answer = await session.document(f"{INSPECTOR}.answer", carried(point, inputs))
    if not isinstance(answer, Mapping) or not isinstance(answer.get("revision"), str):
        return "", None
    if "shared" in answer:
        return str(answer["revision"]), put_together(answer["shared"], inputs)
    return str(answer["revision"]), answer.get("verdicts")


def _error_answer(error: RegoError) -> JsonObject:
    return {"fault": f"the evaluation failed: {error}"}
