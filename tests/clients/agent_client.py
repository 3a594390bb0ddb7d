"""Calls of the agent platform by gRPC's C core, which Rails has too; prints what became of each.

agent_client.py TARGET ROOT|clear < CALLS

CALLS is a list of {"method", "metadata"?, "messages"?, "size"?, "gap"?}: the messages in protobuf's
JSON, `size` the bytes that the goal of the first start is filled up to, `gap` the seconds before
each message but the first and before the end of a stream. Prints a list of {"code",
"details", "messages", "headers"}; "headers" are those that came before the status, none where the
server told nothing else.
"""

import json
import pathlib
import sys
import tempfile
import threading

import grpc
import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_tools import protoc

proto = pathlib.Path(__file__).parents[2] / "proto"


def contract():
    """The methods and messages of the contract, read anew by the reference compiler."""
    included = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    with tempfile.NamedTemporaryFile() as output:
        failed = protoc.main([
            "protoc", f"-I{proto}", f"-I{included}", "--include_imports",
            f"--descriptor_set_out={output.name}", "duo_workflow.proto",
        ])
        assert not failed, "the contract does not compile"
        files = descriptor_pb2.FileDescriptorSet.FromString(output.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool.FindServiceByName("DuoWorkflow")


service = contract()


def connect(target, root):
    options = [
        ("grpc.enable_retries", 0),
        ("grpc.max_send_message_length", 16 << 20),
        ("grpc.max_metadata_size", 64 << 10),
        # what Workhorse does, and more often
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    if root == "clear":
        return grpc.insecure_channel(target, options=options)
    credentials = grpc.ssl_channel_credentials(open(root, "rb").read())
    name = ("grpc.ssl_target_name_override", "edge.test")
    return grpc.secure_channel(target, credentials, options=[*options, name])


def messages(call, kind):
    given = [json_format.ParseDict(message, kind()) for message in call.get("messages", [])]
    if "size" in call:
        start = given[0].startRequest
        while given[0].ByteSize() < call["size"]:
            start.goal += "x" * max(1, call["size"] - given[0].ByteSize() - 16)
        assert given[0].ByteSize() == call["size"], given[0].ByteSize()
    return given


def outgoing(given, gap, over):
    """The messages of a stream one by one; whoever waits stops when the call is over."""
    for index, message in enumerate(given):
        if index:
            over.wait(gap)
        yield message
    over.wait(gap)


def perform(channel, call):
    method = service.methods_by_name.get(call["method"])
    if method is None:
        # a newer client's
        kinds = [service.methods_by_name["ListTools"].input_type] * 2
    else:
        kinds = [method.input_type, method.output_type]
    request, response = (message_factory.GetMessageClass(kind) for kind in kinds)
    streaming = method is not None and method.client_streaming
    make = channel.stream_stream if streaming else channel.unary_unary
    invoke = make(
        f"/DuoWorkflow/{call['method']}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=response.FromString,
    )
    metadata = [(name, value) for name, value in call.get("metadata", {}).items()]
    given = messages(call, request)
    seen = {"messages": [], "headers": {}}
    over = threading.Event()
    try:
        if streaming:
            sent = outgoing(given, call.get("gap", 0), over)
            running = invoke(sent, metadata=metadata, timeout=30)
            answers = running
        else:
            running = invoke.future(given[0] if given else request(), metadata=metadata, timeout=30)
            answers = [running.result()]
        for answer in answers:
            seen["messages"].append(
                json_format.MessageToDict(answer, preserving_proto_field_name=True)
            )
    except grpc.RpcError:
        pass
    over.set()
    seen["headers"] = {
        name: value for name, value in running.initial_metadata() or () if isinstance(value, str)
    }
    seen["code"] = running.code().name
    seen["details"] = running.details() or ""
    return seen


target, root = sys.argv[1:3]
with connect(target, root) as channel:
    print(json.dumps([perform(channel, call) for call in json.load(sys.stdin)]))
