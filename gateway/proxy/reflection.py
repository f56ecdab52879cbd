"""Serves reflection of every service at one address, in both versions (v1, v1alpha).

The gateway has the descriptors of the whole contract, so it asks no backend; like everything but
health it requires a credential.
"""

from collections.abc import Iterable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha._async import ReflectionServicer  # exported as reflection.aio

ALPHA = "grpc.reflection.v1alpha"
STABLE = "grpc.reflection.v1"
METHOD = "ServerReflectionInfo"
SERVICE = "ServerReflection"


def add_reflection(names: Iterable[str], server: grpc.aio.Server) -> None:
    """Register reflection of ``names``, health, and reflection itself at ``server``."""
    _register_stable()
    health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    everything = [*names, health, f"{STABLE}.{SERVICE}", f"{ALPHA}.{SERVICE}"]
    servicer = ReflectionServicer(everything)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
    server.add_generic_rpc_handlers((_stable_handler(servicer),))


def _stable_handler(servicer: Any) -> Any:
    """Return the handler of v1, whose messages are those of v1alpha, byte for byte."""
    method = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(f"{STABLE}.{SERVICE}", {METHOD: method})


def _register_stable() -> None:
    """Register v1's descriptor, derived from v1alpha's: the library ships only that one."""
    pool = descriptor_pool.Default()
    name = "grpc/reflection/v1/reflection.proto"
    try:
        pool.FindFileByName(name)
    except KeyError:
        text = reflection_pb2.DESCRIPTOR.serialized_pb
        file = descriptor_pb2.FileDescriptorProto.FromString(text)
        file.name, file.package = name, STABLE
        _rename(file)
        pool.Add(file)


def _rename(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Point every type name of ``file`` to the new package."""
    old, new = f".{ALPHA}.", f".{STABLE}."
    for message in file.message_type:
        for field in message.field:
            if field.type_name:  # a scalar has none, and must not be given an empty one
                field.type_name = field.type_name.replace(old, new)
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(old, new)
            method.output_type = method.output_type.replace(old, new)
