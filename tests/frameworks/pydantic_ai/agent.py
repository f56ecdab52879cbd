"""An agent of Pydantic AI whose model is a function."""

from __future__ import annotations

from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from phoenix_dma.adapters.pydantic_ai import PhoenixCapability
from tests.frameworks.contract.agent import TOOLS, Script, Tool, serve


async def work(task: Any, script: Script, tools: list[Tool]) -> str:
    async def model(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
        done = sum(isinstance(part, ToolCallPart) for one in messages for part in one.parts)
        call = await script.answer(done)
        if call is None:
            return ModelResponse([TextPart("done")])
        return ModelResponse([ToolCallPart(call["tool"], {"customer": call["customer"]})])

    agent = Agent(FunctionModel(model), tools=tools)
    phoenix = PhoenixCapability(task, TOOLS)
    return (await phoenix.run(agent, "Review the customers")).output


if __name__ == "__main__":
    serve(work)
