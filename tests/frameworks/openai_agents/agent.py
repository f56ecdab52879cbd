"""An agent of OpenAI's Agents SDK whose model follows the script."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Usage, function_tool, set_tracing_disabled
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

from phoenix_dma.adapters.openai_agents import PhoenixRun
from tests.frameworks.contract.agent import TOOLS, Script, Tool, serve


class ScriptModel(Model):
    """Answers from the number of calls that stand in its input."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def get_response(self, *given: Any, **named: Any) -> ModelResponse:
        items = named["input"] if "input" in named else given[1]
        items = [] if isinstance(items, str) else items
        done = sum(one.get("type") == "function_call" for one in items)
        call = await self._script.answer(done)
        output = _said("done") if call is None else _called(call, done)
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def _said(text: str) -> ResponseOutputMessage:
    content = [ResponseOutputText(text=text, type="output_text", annotations=[])]
    return ResponseOutputMessage(
        id="message", type="message", role="assistant", status="completed", content=content
    )


def _called(call: dict[str, Any], done: int) -> ResponseFunctionToolCall:
    arguments = json.dumps({"customer": call["customer"]})
    return ResponseFunctionToolCall(
        type="function_call", name=call["tool"], call_id=f"asked-{done}", arguments=arguments
    )


async def work(task: Any, script: Script, tools: list[Tool]) -> str:
    paused = {"merge"} if task.input.get("paused") else set()
    functions = [function_tool(one, needs_approval=one.__name__ in paused) for one in tools]
    agent = Agent(name="reviewer", model=ScriptModel(script), tools=functions)
    result = await PhoenixRun(task, TOOLS).run(agent, "Review the customers")
    return str(result.final_output)


if __name__ == "__main__":
    set_tracing_disabled(True)
    serve(work)
