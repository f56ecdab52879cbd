"""The vectors that clients in other languages read are what the runtime computes itself."""

import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from phoenix_dma.wire.canonical_json import (
    NotCanonical,
    canonical,
    content_hash,
    parsed_canonical,
)
from phoenix_dma.wire.conversions import json_of
from phoenix_runtime.chassis.ids import new_id
from phoenix_runtime.core.ids import is_identifier
from state_svc.domain.address import context_address

VECTORS = Path(__file__).parents[1] / "vectors"
HASHES: Any = json.loads((VECTORS / "canonical_json.json").read_text())
IDS: Any = json.loads((VECTORS / "ids.json").read_text())


@pytest.mark.parametrize("vector", HASHES["vectors"], ids=lambda one: one["name"])
def test_a_document_has_the_canonical_form_and_hash_of_its_vector(vector: dict[str, str]) -> None:
    value = json.loads(vector["input"])
    assert canonical(value).decode() == vector["canonical"]
    assert content_hash(value) == vector["hash"]
    assert rfc8785.dumps(value).decode() == vector["canonical"], "as an independent library has it"


@pytest.mark.parametrize("vector", HASHES["vectors"], ids=lambda one: one["name"])
def test_the_canonical_form_alone_is_read_strictly(vector: dict[str, str]) -> None:
    assert canonical(parsed_canonical(vector["canonical"])).decode() == vector["canonical"]
    if vector["input"] != vector["canonical"]:
        with pytest.raises(NotCanonical):
            parsed_canonical(vector["input"])


@pytest.mark.parametrize("vector", HASHES["vectors"], ids=lambda one: one["name"])
def test_the_wire_changes_no_hash(vector: dict[str, str]) -> None:
    """A Struct has only doubles; what comes out of one has the hash of what went in."""
    arrived = json_of(json_format.Parse(vector["input"], Struct()))
    assert content_hash(arrived) == vector["hash"]


@pytest.mark.parametrize("vector", HASHES["refused"], ids=lambda one: one["name"])
def test_what_has_no_canonical_form_is_refused(vector: dict[str, str]) -> None:
    with pytest.raises(NotCanonical):
        canonical(json.loads(vector["input"]))


@pytest.mark.parametrize("text", IDS["valid"])
def test_an_id_is_one(text: str) -> None:
    assert is_identifier(text)
    assert context_address(f"phoenix://context/{text}").task_id == text


@pytest.mark.parametrize("case", IDS["invalid"], ids=lambda one: one["why"])
def test_what_looks_like_an_id_is_none(case: dict[str, str]) -> None:
    assert not is_identifier(case["id"])


@pytest.mark.parametrize("made", IDS["made"], ids=lambda one: one["prefix"])
def test_the_runtime_makes_ids_like_the_example(made: dict[str, str]) -> None:
    example, own = made["example"], new_id(made["prefix"])
    assert is_identifier(example)
    assert is_identifier(own)
    shape = [len(part) for part in example.split("-")]
    assert [len(part) for part in own.split("-")] == shape
    assert own.startswith(f"{made['prefix']}.")
    assert own.split("-")[2][0] == example.split("-")[2][0] == "7"
