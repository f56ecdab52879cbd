"""Runs an agent on a task: paused runs are kept in the task's context until a human has decided."""

from __future__ import annotations

from typing import Any, Final

from agents import Agent, Runner, RunResult, RunState

from phoenix_dma.adapters.conversation import Conversation, reader_of
from phoenix_dma.adapters.governance import NotExecuted, ToolGovernance, Tools
from phoenix_dma.adapters.openai_agents.governed import (
    PhoenixHooks,
    ToolGuardrail,
    arguments_of,
    governed,
)
from phoenix_dma.adapters.openai_agents.messages import items_of, portable_messages
from phoenix_dma.aio.task import AsyncTask
from phoenix_dma.portable import PortableContext
from phoenix_dma.task import Task

DISTRIBUTION: Final = "openai-agents"


class PhoenixRun:
    """Puts a run under the governance of a task. One for each attempt at a task.

    Policy is asked before each tool with the call's arguments; a denial, or a human's no, is the
    tool's rejected output, which the model reads. Tools with ``needs_approval`` pause the run, as
    the SDK has it: the pause is checkpointed, and policy, or the human that it names, decides. The
    messages are checkpointed before each request to the model and at the end. ``tools`` says what
    the tools are to policy; make it in the handler.
    """

    def __init__(self, task: Task | AsyncTask, tools: Tools | None = None) -> None:
        self.governance = ToolGovernance(task, tools)
        self.conversation = Conversation(self.governance.calls, reader_of(DISTRIBUTION))
        self.guardrail = ToolGuardrail(self.governance)
        self.hooks = PhoenixHooks(self.governance, self.conversation, self.guardrail)

    async def run(self, agent: Agent[Any], prompt: str, **options: Any) -> RunResult:
        """Run ``agent``, from where an earlier owner of the task left, or from ``prompt``.

        ``options`` go to `Runner.run`, but for ``hooks``, which are ours. A conversation that was
        begun, by whichever framework, goes on without the prompt, which stands in it.
        """
        ours = governed(agent, self.guardrail)
        start = await self._start(ours, prompt)
        try:
            while True:
                result = await Runner.run(ours, start, hooks=self.hooks, **options)
                if not result.interruptions:
                    break
                start = await self._decided(result)
        except Exception:
            self.governance.require()  # what stopped it, rather than the SDK's word for it
            raise
        await self.conversation.save(portable_messages(result.to_input_list()))
        return result

    async def _start(self, agent: Agent[Any], prompt: str) -> Any:
        found = await self.conversation.restore()
        if found is None:
            return prompt
        state = _paused_state(found)
        if state:
            paused = await RunState.from_string(agent, state)
            await self._decide(paused)
            return paused
        return items_of(found.messages) or prompt

    async def _decided(self, result: RunResult) -> RunState[Any, Any]:
        """The paused run, recorded as it paused, and then with what was decided."""
        state = result.to_state()
        messages = portable_messages(result.to_input_list())
        # Without the decisions: whoever restores it asks again, and gets the same answer.
        await self.conversation.save(messages, state.to_string())
        await self._decide(state)
        return state

    async def _decide(self, state: RunState[Any, Any]) -> None:
        for item in state.get_interruptions():
            text = getattr(item.raw_item, "arguments", None) or "{}"
            answer = await self.governance.ask(item.tool_name or "tool", arguments_of(text))
            if isinstance(answer, NotExecuted):
                state.reject(item, rejection_message=str(answer))
            else:
                state.approve(item)


def _paused_state(found: PortableContext) -> str:
    """The state of a paused run, unless the conversation went on since."""
    private = found.state_of(DISTRIBUTION)
    calls = {call.id for message in found.messages for call in message.tool_calls}
    answered = {message.tool_call_id for message in found.messages}
    return private.state if private is not None and calls - answered else ""
