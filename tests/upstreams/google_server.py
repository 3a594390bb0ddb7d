"""A stand-in for Google: the token service, the metadata server, Vertex AI and Gemini.

google_server.py PUBLIC_KEY

Assertions of service accounts are judged by PyJWT with the key in the file PUBLIC_KEY. Tokens are
new with each question. POST /control changes: "lifetime" of new tokens in seconds, "revoke" to end
all that were given, "status" for what servers of tokens answer. GET /requests gives what came.

Prints "ready ADDRESS" when it listens on loopback, and runs until it is killed.
"""

import http.server
import json
import sys
import threading
import urllib.parse

import jwt

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TEXT = ["Hello", " from", " Göögle"]
COUNT = {"promptTokenCount": 7, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 12}
CALL = {"functionCall": {"name": "read_file", "args": {"path": "README.md"}}}

lock = threading.Lock()
state = {"lifetime": 3600, "status": 200, "given": 0, "revoked": 0}
requests = []


def piece(parts, reason=None, count=False):
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    body = {"candidates": [candidate], "modelVersion": "gemini-x-001", "responseId": "abc"}
    return {**body, "usageMetadata": COUNT} if count else body


def gemini(model):
    """The pieces of an answer, by a word in the model's name."""
    if "tools" in model:
        return [piece([{"text": "hm", "thought": True}]), piece([CALL, CALL], "STOP", True)]
    if "blocked" in model:
        return [{"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": COUNT}]
    if "longest" in model:
        return [piece([{"text": "".join(TEXT)}], "MAX_TOKENS", True)]
    pieces = [piece([{"text": text}]) for text in TEXT[:-1]]
    return [*pieces, piece([{"text": TEXT[-1]}], "STOP", True)]


def joined(pieces):
    """The same as one answer."""
    last = dict(pieces[-1])
    if "candidates" in last:
        parts = [part for one in pieces for part in one["candidates"][0]["content"]["parts"]]
        last["candidates"] = [{**last["candidates"][0], "content": {"role": "model", "parts": parts}}]
    return last


def claude(stream):
    content = [{"type": "text", "text": "".join(TEXT)}]
    whole = {"type": "message", "role": "assistant", "model": "claude-x", "content": content}
    whole |= {"stop_reason": "end_turn", "usage": {"input_tokens": 7, "output_tokens": 5}}
    if not stream:
        return whole
    begun = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}}
    events = [{"type": "message_start", "message": begun}]
    events.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    for text in TEXT:
        delta = {"type": "text_delta", "text": text}
        events.append({"type": "content_block_delta", "index": 0, "delta": delta})
    events.append({"type": "content_block_stop", "index": 0})
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}})
    return [*events, {"type": "message_stop"}]


def mistral(stream):
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    if not stream:
        message = {"role": "assistant", "content": "".join(TEXT)}
        return {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    events = [{"model": "m", "choices": [{"index": 0, "delta": {"content": text}}]} for text in TEXT]
    end = {"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}
    return [*events, {"model": "m", "choices": [end], "usage": usage}]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say(self, status, value):
        self.answer(status, json.dumps(value).encode(), "application/json; charset=UTF-8")

    def refuse(self, code, status, message):
        self.say(code, {"error": {"code": code, "message": message, "status": status}})

    def stream(self, events):
        text = "".join(
            (f"event: {event['type']}\n" if "type" in event else "") + f"data: {json.dumps(event)}\r\n\r\n"
            for event in events
        )
        self.answer(200, text.encode(), "text/event-stream")

    def take(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.path.startswith(("/requests", "/control")):
            recorded = {"path": self.path, "body": body.decode("utf-8", "replace")}
            recorded["headers"] = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                requests.append(recorded)
        return body

    def token(self):
        if state["status"] != 200:
            return self.say(state["status"], {"error": "unavailable", "error_description": "no tokens today"})
        with lock:
            state["given"] += 1
            value = {"access_token": f"ya29.{state['given']}", "expires_in": state["lifetime"]}
        self.say(200, {**value, "token_type": "Bearer"})

    def do_GET(self):
        self.take()
        if self.path == "/requests":
            with lock:
                return self.say(200, requests)
        place = "/computeMetadata/v1/instance/service-accounts/default/token"
        if self.path.startswith(place) and self.headers.get("metadata-flavor") == "Google":
            return self.token()
        self.answer(403, b"<html>", "text/html")

    def do_POST(self):
        body = self.take()
        if self.path == "/control":
            with lock:
                change = json.loads(body)
                if change.pop("revoke", False):
                    state["revoked"] = state["given"]
                state.update(change)
            return self.say(200, state)
        if self.path == "/token":
            return self.grant(dict(urllib.parse.parse_qsl(body.decode())))
        address = urllib.parse.urlsplit(self.path)
        words = address.path.split("/")
        model, _, method = urllib.parse.unquote(words[-1]).partition(":")
        if words[1] == "v1beta":
            if self.headers.get("x-goog-api-key") != "gemini-key":
                return self.refuse(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        elif not self.is_known():
            words = "Request had invalid authentication credentials. Expected OAuth 2 access token."
            return self.refuse(401, "UNAUTHENTICATED", words)
        self.model(words, model, method, address.query, json.loads(body))

    def is_known(self):
        kind, _, number = self.headers.get("authorization", "").partition(".")
        return kind == "Bearer ya29" and state["revoked"] < int(number) <= state["given"]

    def grant(self, form):
        if form.get("grant_type") == "refresh_token" and form.get("refresh_token") == "refresh-me":
            return self.token()
        key = open(sys.argv[1]).read()
        here = f"http://{self.headers['host']}/token"
        try:
            claims = jwt.decode(form["assertion"], key, algorithms=["RS256"], audience=here)
            assert claims["iss"] == "robot@project.iam.gserviceaccount.com" and claims["scope"] == SCOPE
            assert claims["exp"] - claims["iat"] <= 3600
            assert jwt.get_unverified_header(form["assertion"])["kid"] == "key-1"
        except Exception as error:
            return self.say(400, {"error": "invalid_grant", "error_description": str(error)})
        self.token()

    def model(self, words, model, method, query, body):
        if "busy" in model:
            return self.refuse(429, "RESOURCE_EXHAUSTED", "Resource exhausted. Please try again later.")
        if "small" in model:
            text = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
            return self.refuse(400, "INVALID_ARGUMENT", text)
        if "publishers" in words and "anthropic" in words:
            assert body["anthropic_version"] == "vertex-2023-10-16" and "model" not in body, body
            return self.either(method == "streamRawPredict", claude)
        if "publishers" in words and "mistralai" in words:
            return self.either(method == "streamRawPredict", mistral)
        pieces = gemini(model)
        if method == "generateContent":
            return self.say(200, joined(pieces))
        assert method == "streamGenerateContent" and query == "alt=sse", self.path
        self.stream(pieces)

    def either(self, stream, said):
        return self.stream(said(True)) if stream else self.say(200, said(False))


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print("ready {}:{}".format(*server.server_address), flush=True)
    server.serve_forever()
