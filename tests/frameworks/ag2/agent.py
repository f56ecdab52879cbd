"""An agent of AG2 whose model follows the script."""

from __future__ import annotations

import json
from typing import Any

from ag2 import Agent
from ag2.config import LLMClient, ModelConfig
from ag2.events import ModelMessage, ModelResponse, ToolCallEvent, ToolCallsEvent

from phoenix_dma.adapters.ag2 import PhoenixMiddleware
from tests.frameworks.contract.agent import TOOLS, Script, Tool, serve


class ScriptClient(LLMClient):
    """Answers from the number of calls that stand in the events that it is sent."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def __call__(self, messages: Any, context: Any, **_: Any) -> ModelResponse:
        done = sum(len(one.tool_calls.calls) for one in messages if isinstance(one, ModelResponse))
        call = await self._script.answer(done)
        if call is None:
            return ModelResponse(ModelMessage("done"))
        arguments = json.dumps({"customer": call["customer"]})
        return ModelResponse(
            tool_calls=ToolCallsEvent([ToolCallEvent(call["tool"], arguments=arguments)])
        )


class ScriptConfig(ModelConfig):
    """Makes the client."""

    provider = model = "script"

    def __init__(self, script: Script) -> None:
        self._script = script

    def copy(self) -> ScriptConfig:
        return self

    def create(self) -> ScriptClient:
        return ScriptClient(self._script)


async def work(task: Any, script: Script, tools: list[Tool]) -> str:
    agent = Agent("reviewer", config=ScriptConfig(script), tools=tools)
    reply = await PhoenixMiddleware(task, TOOLS).run(agent, "Review the customers")
    return str(reply.body)


if __name__ == "__main__":
    serve(work)
