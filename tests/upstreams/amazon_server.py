"""A stand-in for Amazon: Bedrock's Converse, and every server that gives keys for it.

amazon_server.py

Signatures are judged by botocore, Amazon's own signer: what it computes for the same request with
the same key and moment has to be what came. Frames of event streams are written here, and
botocore has to read them before any is served.

What a model does follows from its name: see `BEHAVIOURS`. Keys that STS, the container's or the
machine's server give are new with each question. POST /control changes: "lifetime" of new keys in
seconds, "revoke" to end all that were given, "piece" for the size of a stream's chunks, "status"
for what servers of keys answer. GET /requests gives what came, as JSON.

Prints "ready ADDRESS" when it listens on loopback, and runs until it is killed.
"""

import datetime
import http.server
import json
import struct
import threading
import urllib.parse
import zlib

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer

USAGE = {"inputTokens": 7, "outputTokens": 5, "totalTokens": 12}
TEXT = ["Hello", " from", " Bedröck"]
TOOL = {"toolUseId": "tooluse_1", "name": "read_file"}
ARGUMENTS = ['{"path":', ' "README.md"}']

lock = threading.Lock()
state = {"lifetime": 3600, "piece": 7, "status": 200, "given": 0, "revoked": 0}
requests = []
secrets = {"AKIDENV": ("env-secret/+=", None)}


def frame(headers, payload):
    """One message of an event stream, as Amazon's documentation lays it out."""
    block = b""
    for name, value in headers.items():
        name, value = name.encode(), value.encode()
        block += struct.pack("!B", len(name)) + name + b"\x07" + struct.pack("!H", len(value)) + value
    begin = struct.pack("!II", 16 + len(block) + len(payload), len(block))
    begin += struct.pack("!I", zlib.crc32(begin))
    whole = begin + block + payload
    return whole + struct.pack("!I", zlib.crc32(whole))


def event(name, payload):
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps({**payload, "p": "abcdefg"}, ensure_ascii=False).encode())


def exception(name, message):
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def delta(text):
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})


def end(reason):
    stop = event("contentBlockStop", {"contentBlockIndex": 0}) + event("messageStop", {"stopReason": reason})
    return stop + event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 9}})


def text_stream(reason="end_turn"):
    return event("messageStart", {"role": "assistant"}) + b"".join(map(delta, TEXT)) + end(reason)


def tool_stream():
    start = {"contentBlockIndex": 1, "start": {"toolUse": TOOL}}
    pieces = [{"contentBlockIndex": 1, "delta": {"toolUse": {"input": text}}} for text in ARGUMENTS]
    frames = [event("messageStart", {"role": "assistant"}), delta("I look."), event("contentBlockStart", start)]
    frames += [event("contentBlockDelta", piece) for piece in pieces]
    return b"".join(frames) + end("tool_use")


def damaged():
    whole = bytearray(delta("never"))
    whole[-8] ^= 1
    return delta("half") + bytes(whole)


def oversized():
    begin = struct.pack("!II", 64 << 20, 0)
    return delta("half") + begin + struct.pack("!I", zlib.crc32(begin)) + b"x" * 1000


# by a word in the model's name: the stream, and how a whole answer ends
BEHAVIOURS = {
    "tools": (tool_stream, "tool_use"),
    "guarded": (lambda: text_stream("guardrail_intervened"), "guardrail_intervened"),
    "longest": (lambda: text_stream("max_tokens"), "max_tokens"),
    "broken": (lambda: delta("half") + exception("modelStreamErrorException", "it broke"), None),
    "throttled": (lambda: exception("throttlingException", "too fast"), None),
    "unwell": (lambda: exception("internalServerException", "oh"), None),
    "damaged": (damaged, None),
    "oversized": (oversized, None),
    "cut": (lambda: delta("half") + delta("never")[:-20], None),
}


def behaviour(model):
    for word, found in BEHAVIOURS.items():
        if word in model:
            return found
    return text_stream, "end_turn"


def whole(model):
    reason = behaviour(model)[1]
    content = [{"text": "".join(TEXT)}]
    if reason == "tool_use":
        content = [{"text": "I look."}, {"toolUse": {**TOOL, "input": json.loads("".join(ARGUMENTS))}}]
    message = {"role": "assistant", "content": content}
    return {"output": {"message": message}, "stopReason": reason, "usage": USAGE, "metrics": {"latencyMs": 9}}


def give():
    """New keys."""
    with lock:
        state["given"] += 1
        name, number = f"ASIA{state['given']}", state["given"]
        secrets[name] = (f"secret-{number}/+=", f"token-{number}/+=")
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=state["lifetime"])
        return name, *secrets[name], ends.strftime("%Y-%m-%dT%H:%M:%SZ")


def judge(request, body):
    """What is wrong with the credentials of a request; botocore computes what they should be."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith("Bearer "):
        return None if authorization == "Bearer bedrock-key" else "UnrecognizedClientException"
    scheme, _, rest = authorization.partition(" ")
    fields = dict(field.strip().split("=", 1) for field in rest.split(",") if "=" in field)
    if scheme != "AWS4-HMAC-SHA256" or len(fields) != 3:
        return "MissingAuthenticationTokenException"
    name, _, region, service, _ = fields["Credential"].split("/")
    if name not in secrets:
        return "UnrecognizedClientException"
    if name.startswith("ASIA") and int(name[4:]) <= state["revoked"]:
        return "ExpiredTokenException"
    secret, token = secrets[name]
    if request.headers.get("x-amz-security-token") != token:
        return "UnrecognizedClientException"
    signed = fields["SignedHeaders"].split(";")
    headers = {name: request.headers[name] for name in signed}
    url = f"http://{request.headers['host']}{request.path}"
    known = AWSRequest(method=request.command, url=url, data=body, headers=headers)
    known.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(name, secret, token), service, region)
    text = signer.string_to_sign(known, signer.canonical_request(known))
    is_right = signer.signature(text, known) == fields["Signature"] and signer.signed_headers(
        signer.headers_to_sign(known)
    ) == ";".join(signed)
    return None if is_right and service == "bedrock" else "InvalidSignatureException"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say(self, status, value, headers=()):
        self.answer(status, json.dumps(value).encode(), headers=headers)

    def refuse(self, status, kind, message):
        self.say(status, {"message": message}, [("x-amzn-ErrorType", f"{kind}:http://internal/")])

    def take(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.path.startswith(("/requests", "/control")):
            recorded = {"path": self.path, "body": body.decode("utf-8", "replace")}
            recorded["headers"] = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                requests.append(recorded)
        return body

    def do_GET(self):
        self.take()
        if self.path == "/requests":
            with lock:
                return self.say(200, requests)
        if state["status"] != 200:
            return self.say(state["status"], {"code": "Broken", "message": "no keys today"})
        if self.path == "/container" and self.headers.get("authorization") == "container-token":
            return self.keys()
        if self.headers.get("x-aws-ec2-metadata-token") == "machine-token":
            if self.path == "/latest/meta-data/iam/security-credentials/":
                return self.answer(200, b"the-role", "text/plain")
            if self.path == "/latest/meta-data/iam/security-credentials/the-role":
                return self.keys()
        self.say(401, {"code": "Unauthorized", "message": "who asks?"})

    def keys(self):
        name, secret, token, ends = give()
        value = {"AccessKeyId": name, "SecretAccessKey": secret, "Token": token, "Expiration": ends}
        self.say(200, {"Code": "Success", "Type": "AWS-HMAC", **value})

    def do_PUT(self):
        self.take()
        is_known = self.path == "/latest/api/token" and "x-aws-ec2-metadata-token-ttl-seconds" in self.headers
        self.answer(200 if is_known else 404, b"machine-token", "text/plain")

    def do_POST(self):
        body = self.take()
        if self.path == "/control":
            with lock:
                change = json.loads(body)
                if change.pop("revoke", False):
                    state["revoked"] = state["given"]
                state.update(change)
            return self.say(200, state)
        if self.path == "/":
            return self.assume(body)
        _, _, model, route = self.path.split("/")
        wrong = judge(self, body)
        if wrong:
            return self.refuse(403, wrong, f"The security token included in the request is wrong: {wrong}")
        self.converse(urllib.parse.unquote(model), route, json.loads(body))

    def assume(self, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if state["status"] != 200 or form.get("WebIdentityToken") != "pod-token":
            text = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>who?</Message></Error></ErrorResponse>"
            return self.answer(400, text.encode(), "text/xml")
        name, secret, token, ends = give()
        inner = f"<AccessKeyId>{name}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
        inner += f"<SessionToken>{token}</SessionToken><Expiration>{ends}</Expiration>"
        text = f"<R><AssumeRoleWithWebIdentityResult><Credentials>{inner}</Credentials></AssumeRoleWithWebIdentityResult></R>"
        self.answer(200, text.encode(), "text/xml")

    def converse(self, model, route, body):
        if "busy" in model:
            return self.refuse(429, "ThrottlingException", "Too many requests")
        if "small" in model:
            return self.refuse(400, "ValidationException", "Input is too long for requested model.")
        if "plain" in model and "system" in body:
            return self.refuse(400, "ValidationException", "This model doesn't support system messages.")
        if "plain" in model and "stopSequences" in body.get("inferenceConfig", {}):
            return self.refuse(400, "ValidationException", "This model doesn't support the stopSequences field.")
        if route == "converse":
            return self.say(200, whole(model))
        stream = behaviour(model)[0]()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.amazon.eventstream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        size = state["piece"]
        for start in range(0, len(stream), size):
            piece = stream[start : start + size]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


def check():
    """botocore reads what is written here."""
    reader = EventStreamBuffer()
    reader.add_data(tool_stream() + exception("throttlingException", "too fast"))
    names = [message.headers.get(":event-type") for message in reader]
    assert names[0] == "messageStart" and names[-2] == "metadata" and names[-1] is None, names


if __name__ == "__main__":
    check()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print("ready {}:{}".format(*server.server_address), flush=True)
    server.serve_forever()
