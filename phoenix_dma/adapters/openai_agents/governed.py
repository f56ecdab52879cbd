"""Agents whose tools ask policy first, and the hooks that find those that do not."""

from __future__ import annotations

import copy
import json
from typing import Any

from agents import (
    Agent,
    FunctionTool,
    RunHooks,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
)

from phoenix_dma.adapters.conversation import Conversation
from phoenix_dma.adapters.governance import NotExecuted, ToolGovernance
from phoenix_dma.adapters.openai_agents.messages import portable_messages
from phoenix_dma.errors import PolicyDenied


class ToolGuardrail(ToolInputGuardrail[Any]):
    """Rejects a call that policy or a human refuses; the model reads why.

    ``asked`` are the ids of the calls that policy was asked about.
    """

    def __init__(self, governance: ToolGovernance) -> None:
        super().__init__(guardrail_function=self._ask, name="phoenix_dma")
        self.asked: set[str] = set()
        self._governance = governance

    async def _ask(self, data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        call = data.context
        self.asked.add(call.tool_call_id)
        answer = await self._governance.ask(call.tool_name, arguments_of(call.tool_arguments))
        if isinstance(answer, NotExecuted):
            return ToolGuardrailFunctionOutput.reject_content(str(answer))
        return ToolGuardrailFunctionOutput.allow({"authorization_id": answer.id})


class PhoenixHooks(RunHooks[Any]):
    """Checkpoints the messages before each request to the model; lets no tool run unasked.

    A tool without our guardrail (of an MCP server, of an agent behind a `Handoff`) is asked about
    here, where the SDK cannot reject it: a denial ends the run.
    """

    def __init__(
        self, governance: ToolGovernance, conversation: Conversation, guardrail: ToolGuardrail
    ) -> None:
        self._governance = governance
        self._conversation = conversation
        self._guardrail = guardrail

    async def on_llm_start(
        self, context: Any, agent: Any, system_prompt: str | None, input_items: list[Any]
    ) -> None:
        """Checkpoint what was said and done so far."""
        del context, agent, system_prompt
        self._governance.require()
        await self._conversation.save(portable_messages(input_items))

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        """Raise `PolicyDenied` for a tool that the guardrail did not see and policy refuses."""
        del agent
        if getattr(context, "tool_call_id", None) in self._guardrail.asked:
            return
        arguments = arguments_of(getattr(context, "tool_arguments", "") or "{}")
        answer = await self._governance.ask(tool.name, arguments)
        if isinstance(answer, NotExecuted):
            raise PolicyDenied(str(answer), remedy=answer.remedy)


def governed(agent: Agent[Any], guardrail: ToolGuardrail) -> Agent[Any]:
    """A copy of ``agent``, and of the agents that it hands to, with the guardrail on each tool."""
    return _governed(agent, guardrail, {})


def _governed(
    agent: Agent[Any], guardrail: ToolGuardrail, made: dict[int, Agent[Any]]
) -> Agent[Any]:
    if id(agent) in made:  # agents hand to each other in circles
        return made[id(agent)]
    tools = [
        _guarded(tool, guardrail) if isinstance(tool, FunctionTool) else tool
        for tool in agent.tools
    ]
    copied = made[id(agent)] = agent.clone(tools=tools)
    copied.handoffs = [
        _governed(one, guardrail, made) if isinstance(one, Agent) else one for one in agent.handoffs
    ]
    return copied


def _guarded(tool: FunctionTool, guardrail: ToolGuardrail) -> FunctionTool:
    copied = copy.copy(tool)
    # The last one sees what the others let through.
    copied.tool_input_guardrails = [*(tool.tool_input_guardrails or ()), guardrail]
    return copied


def arguments_of(text: str) -> dict[str, Any]:
    """What a tool is called with, for policy; text that is no JSON object under its own name."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = text
    return found if isinstance(found, dict) else {"arguments": text}
