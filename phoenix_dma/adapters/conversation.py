"""Keeps a run's messages in the task's portable context, and restores a run from there."""

from __future__ import annotations

from importlib.metadata import version

from phoenix_dma.adapters.task_calls import TaskCalls
from phoenix_dma.portable import (
    Changes,
    Message,
    PortableContext,
    PrivateState,
    Reader,
    Unused,
    holds_reasoning,
    unused,
    with_unused,
)


class Conversation:
    """What one run of a framework leaves in the task's context, and what it found there.

    ``unused`` is what the framework's adapter could not use of what it found; the first `save`
    records it among the decisions.
    """

    def __init__(self, calls: TaskCalls, reader: Reader) -> None:
        self.unused: tuple[Unused, ...] = ()
        self._calls = calls
        self._reader = reader
        self._saved: tuple[tuple[Message, ...], str] | None = None
        self._system: tuple[Message, ...] = ()

    async def restore(self, *, instructions: str = "") -> PortableContext | None:
        """What an earlier owner left, whatever framework it used; None at the first attempt.

        ``instructions`` says why a framework takes no messages of the system: they are left unused
        and stay before those that are saved. Raises `NotPortable` where the context's messages have
        another form.
        """
        found = await self._calls.read()
        if found is not None:
            self.unused = unused(found, self._reader)
            if instructions:
                self._leave_system(found.messages, instructions)
            state = found.state_of(self._reader.framework)
            self._saved = found.messages, state.state if state else ""
        return found

    async def save(self, messages: tuple[Message, ...], state: str = "") -> None:
        """Checkpoint the messages so far, unless they stand there; ``state`` is private.

        A state with a model's private reasoning in it is left out. Raises `AssignmentLost` where
        the task is not held any more.
        """
        messages = (*self._system, *messages)
        if (messages, state) == self._saved:
            return
        changes: Changes = {"messages": messages}
        if state and not holds_reasoning(state):
            changes["private"] = PrivateState(self._reader.framework, self._reader.version, state)
        if self.unused:
            found = await self._calls.read()
            decisions = found.decisions if found else ()
            changes["decisions"] = with_unused(decisions, self.unused, self._reader)
        await self._calls.record(**changes)
        self.unused, self._saved = (), (messages, state)

    def _leave_system(self, messages: tuple[Message, ...], why: str) -> None:
        left = {n: one for n, one in enumerate(messages) if one.role == "system"}
        self._system = tuple(left.values())
        self.unused += tuple(Unused(f"messages[{n}]", why) for n in left)


def reader_of(distribution: str, *, uses: frozenset[str] = frozenset({"messages"})) -> Reader:
    """The reader of a framework, in the version that is installed."""
    return Reader(distribution, version(distribution), uses)
