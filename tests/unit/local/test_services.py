"""The environment that the services of a runtime are started with."""

from __future__ import annotations

import pytest

from phoenix_runtime.local.services import inherited


def test_services_reach_each_other_without_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    assert inherited()["no_proxy"] == "127.0.0.1"
    monkeypatch.setenv("no_proxy", "internal.example")
    monkeypatch.setenv("no_grpc_proxy", "other.example")
    assert inherited()["no_proxy"] == "internal.example,127.0.0.1"
    assert inherited()["no_grpc_proxy"] == "other.example,127.0.0.1"
    assert inherited()["http_proxy"] == "http://proxy.invalid:3128"


def test_what_was_set_for_something_else_reaches_no_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PHOENIX_DMA_TOKEN", "an operator's")
    assert "PHOENIX_DMA_TOKEN" not in inherited()
