"""The protos serve every language: its options, everything that they import, plain protoc."""

import re
import tomllib
from importlib import util
from pathlib import Path
from typing import cast

import pytest
from google.protobuf.descriptor import FileDescriptor

from phoenix_dma.v1 import (
    approval_pb2,
    assignment_pb2,
    audit_pb2,
    common_pb2,
    effect_pb2,
    gateway_pb2,
    governance_pb2,
    governed_pb2,
    handoff_pb2,
    identity_pb2,
    registry_pb2,
    session_pb2,
    state_pb2,
)

PROTOS = Path(__file__).parents[2] / "protos"
OURS = sorted((PROTOS / "phoenix_dma" / "v1").glob("*.proto"))
VENDORED = sorted((PROTOS / "google" / "api").glob("*.proto"))
FILES: list[FileDescriptor] = [
    cast(FileDescriptor, module.DESCRIPTOR)  # the stubs name the pure Python descriptors and upb's
    for module in (
        approval_pb2,
        assignment_pb2,
        audit_pb2,
        common_pb2,
        gateway_pb2,
        governance_pb2,
        governed_pb2,
        effect_pb2,
        handoff_pb2,
        identity_pb2,
        registry_pb2,
        session_pb2,
        state_pb2,
    )
]
PACKAGE = {
    "csharp_namespace": "PhoenixDma.V1",
    "go_package": "phoenix_dma/v1;phoenixdmav1",
    "java_multiple_files": True,
    "java_package": "com.phoenixdma.v1",
    "objc_class_prefix": "PDMA",
    "php_metadata_namespace": r"PhoenixDma\V1\GPBMetadata",
    "php_namespace": r"PhoenixDma\V1",
    "ruby_package": "PhoenixDma::V1",
}
"""The same in every file, as buf's PACKAGE_SAME_* rules want it."""


def test_every_file_is_looked_at() -> None:
    assert [PROTOS / file.name for file in sorted(FILES, key=lambda one: one.name)] == OURS


@pytest.mark.parametrize("file", FILES, ids=lambda file: Path(file.name).stem)
def test_a_file_names_the_package_of_each_language(file: FileDescriptor) -> None:
    options = file.GetOptions()
    assert {name: getattr(options, name) for name in PACKAGE} == PACKAGE
    # One class for each file: Java would otherwise name it after a message, or clash with one.
    assert options.java_outer_classname == f"{Path(file.name).stem.capitalize()}Proto"


def test_one_folder_holds_everything_that_protoc_does_not_bring() -> None:
    for proto in (*OURS, *VENDORED):
        for name in re.findall(r'^import "(.*)";', proto.read_text(), re.MULTILINE):
            assert name.startswith("google/protobuf/") or (PROTOS / name).is_file(), (proto, name)


@pytest.mark.parametrize("proto", VENDORED, ids=lambda proto: proto.stem)
def test_a_vendored_proto_is_the_published_one(proto: Path) -> None:
    found = util.find_spec("google.api")
    assert found is not None
    assert found.submodule_search_locations is not None
    (folder,) = found.submodule_search_locations
    assert proto.read_bytes() == (Path(folder) / proto.name).read_bytes()


def test_whoever_has_the_source_distribution_generates_as_the_page_says() -> None:
    project = tomllib.loads((PROTOS.parent / "pyproject.toml").read_text())
    given = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"/protos", "/buf.gen.yaml", "/buf.yaml"} <= set(given)
