"""Workhorse with grpcio (C core): one turn of a session, against a GitLab that keeps it as Rails does.

workhorse_client.py TARGET ROOT|clear STATE_FILE OPTIONS

OPTIONS is a JSON object; see `OPTIONS` below for what it may hold. Prints one JSON object: the
requests in their order, what the client was shown, and how the stream ended.
"""

import json
import os
import queue
import re
import sys
import time

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict

from executor import Executor
from fake_gitlab import FakeGitLab

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../proto"))
protos = grpc.protos("duo_workflow.proto")

OPTIONS = {
    "workflow": "7", "goal": "Who am I?", "version": "18.11.2", "definition": "chat",
    "capabilities": [], "context": [], "preapproved": [], "approval": None, "resume": None,
    "model": None, "metadata": {}, "create": True,
    # a flow that the client brings along, in the schema v1
    "flow": None,
    # several turns, one after the other; what is printed is the last one's
    "goals": None,
    # what is changed in GitLab's record of the session first
    "set": {},
    # [method, path's beginning, [[status, body], ...]]
    "faults": [],
    # {"reason", "after"}: a stop once a line with these words stood in the sequence
    "stop": None,
    # the stream is half-closed, or cancelled, once a line with these words stood in the sequence
    "half_close": None, "cancel": None,
    # answers without ids, and nonsense beside each answer
    "legacy": False, "noise": False,
    # bytes of a message sent in the middle
    "large": 0,
    # what the client's MCP servers have: fields of McpTool
    "mcp_tools": [],
    # a folder in which actions are really carried out, where `answers` has nothing for them
    "folder": None,
    # what is answered to "METHOD /path?query", or to an action of that name: [status, body], or
    # [text, error], or to scheduleNotification its fields; of a list of those one after the other
    "answers": {},
    # the same to GraphQL, by the name of the operation: one answer, or a list of them
    "graphql": {},
    # requests that are never answered
    "ignore": None,
    # [words of a line, seconds]: GitLab's answer takes so long, and until then nothing else is
    # handled, as in Workhorse; what the user does then is sent all the same
    "slow": None,
    "seconds": 30,
}


def main():
    target, root, file, options = sys.argv[1:]
    options = {**OPTIONS, **json.loads(options)}
    gitlab = FakeGitLab(file, options["version"])
    if options["create"]:
        gitlab.workflow(options["workflow"]).update(options["set"])
    for method, path, answers in options["faults"]:
        gitlab.faults[(method, path)] = [tuple(answer) for answer in answers]
    channel = connect(target, root)
    for goal in options["goals"] or [options["goal"]]:
        turn = Turn(gitlab, {**options, "goal": goal})
        turn.run(channel)
        if turn.code != "OK":
            break
    gitlab.save()
    print(json.dumps(turn.report()))


def connect(target, root):
    options = [("grpc.keepalive_time_ms", 20_000), ("grpc.enable_retries", 0),
               ("grpc.max_send_message_length", 16 << 20)]
    if root == "clear":
        return grpc.insecure_channel(target, options)
    credentials = grpc.ssl_channel_credentials(open(root, "rb").read())
    return grpc.secure_channel(
        target, credentials, [*options, ("grpc.ssl_target_name_override", "edge.test")])


class Turn:
    def __init__(self, gitlab, options):
        self.gitlab, self.options = gitlab, options
        self.outgoing = queue.Queue()
        self.executor = options["folder"] and Executor(options["folder"])
        self.sequence, self.shown, self.log, self.suffixes = [], [], [], 0
        self.tracked = 0
        # what tools asked for: [line, body or the action's fields]
        self.asked = []
        self.usage = {}
        # entries that were shown while they were under way: [type, sub type, content]
        self.pending = []
        self.goal = None
        self.code = self.details = None

    def run(self, channel):
        self.outgoing.put(protos.ClientEvent(startRequest=self.start()))
        call = channel.stream_stream(
            "/DuoWorkflow/ExecuteWorkflow",
            request_serializer=protos.ClientEvent.SerializeToString,
            response_deserializer=protos.Action.FromString,
        )(iter(self.outgoing.get, None), metadata=self.metadata(), timeout=self.options["seconds"])
        self.call = call
        begun = time.monotonic()
        try:
            # one action at a time, as Workhorse handles them
            for action in call:
                self.handle(action)
        except grpc.RpcError:
            pass
        self.seconds = time.monotonic() - begun
        self.code, self.details = call.code().name, call.details()
        self.outgoing.put(None)

    def metadata(self):
        metadata = {
            "authorization": "Bearer x", "x-gitlab-authentication-type": "oidc",
            "x-gitlab-realm": "self-managed", "x-gitlab-version": self.options["version"],
            "x-gitlab-global-user-id": "user-1", "x-request-id": "correlation-1",
        }
        if self.options["model"]:
            model = json.dumps(self.options["model"])
            metadata["x-gitlab-agent-platform-model-metadata"] = model
        return list({**metadata, **self.options["metadata"]}.items())

    def start(self):
        options = self.options
        start = protos.StartWorkflowRequest(
            clientVersion="1.0", workflowID=options["workflow"], goal=options["goal"],
            workflowDefinition=options["definition"], clientCapabilities=options["capabilities"],
            preapproved_tools=options["preapproved"])
        for tool in options["mcp_tools"]:
            start.mcpTools.add(**tool)
        for item in options["context"]:
            start.additional_context.add(**item)
        if options["flow"]:
            ParseDict(options["flow"], start.flowConfig)
            start.flowConfigSchemaVersion = "v1"
        if options["resume"]:
            start.resume_checkpoint_ts = options["resume"]
        if options["approval"] == "approve":
            start.approval.approval.SetInParent()
        elif options["approval"] is not None:
            start.approval.rejection.message = options["approval"]
        return start

    def handle(self, action):
        kind = action.WhichOneof("action")
        if kind == "newCheckpoint":
            line = self.show(action.newCheckpoint)
        elif kind == "runHTTPRequest":
            line = self.request(action)
        else:
            line = kind
            self.tracked += kind == "trackLlmCallForSelfHosted"
            fields = getattr(action, kind)
            self.asked.append([kind, MessageToDict(fields)])
            answer = self.scripted(kind)
            if kind == "scheduleNotification" and answer:
                answer = protos.ScheduleNotificationResponse(**answer)
                self.send(action, scheduleNotificationResponse=answer)
            else:
                if not answer and self.executor and hasattr(self.executor, kind):
                    answer = self.executor.carry_out(kind, fields)
                text, error = answer or ("authenticated", "")
                answer = protos.PlainTextResponse(response=text, error=error)
                self.send(action, plainTextResponse=answer)
        self.act(line)

    def act(self, line):
        """Does what the options want done once this line stood in the sequence."""
        for name, act in (("stop", self.stop), ("half_close", self.half_close), ("cancel", self.cancel)):
            wanted = self.options[name]
            after = wanted["after"] if isinstance(wanted, dict) else wanted
            if after and after in line:
                self.options[name] = None
                act(wanted)

    def request(self, action):
        request = action.runHTTPRequest
        line = f"{request.method} {request.path.partition('?')[0]}"
        body = json.loads(request.body) if request.HasField("body") else {}
        if "status_event" in body:
            line += f" {body['status_event']}"
        if "thread_ts" in body:
            line += f" {body['metadata']['source']} {body['metadata']['step']}"
        self.sequence.append(line)
        if self.options["ignore"] and self.options["ignore"] in line:
            return line
        words, seconds = self.options["slow"] or [None, 0]
        if words and words in line:
            self.act(line)
            time.sleep(seconds)
        asked = f"{request.method} {request.path}"
        if asked in self.options["answers"] or "/ai/duo_workflows/workflows/" not in asked:
            self.asked.append([asked, body or None])
        operation = re.match(r"(?:query|mutation) (\w+)", body.get("query", ""))
        named = operation and self.scripted(operation[1], "graphql")
        # the session's own questions are not what a script of the path is for
        own = operation and operation[1] in ("Workflow", "ToolCallApproved")
        scripted = None if own else self.scripted(asked)
        status, text = (named or scripted or self.gitlab.answer(
            request.method, request.path, request.body))
        if self.options["noise"]:
            nonsense = protos.HttpResponse(statusCode=500, body="nobody asked")
            self.outgoing.put(protos.ClientEvent(actionResponse=protos.ActionResponse(
                requestID="unknown", httpResponse=nonsense)))
            self.outgoing.put(protos.ClientEvent(heartbeat=protos.HeartbeatRequest(timestamp=1)))
            self.outgoing.put(protos.ClientEvent())
        answer = protos.HttpResponse(statusCode=status, body=text)
        self.send(action, httpResponse=answer)
        if self.options["noise"]:
            self.send(action, httpResponse=protos.HttpResponse(statusCode=500, body="twice"))
        if self.options["large"] and "thread_ts" in body:
            large = protos.PlainTextResponse(response="x" * self.options["large"])
            self.options["large"] = 0
            self.send(action, plainTextResponse=large)
        return line

    def scripted(self, asked, kind="answers"):
        answers = self.options[kind].get(asked)
        if isinstance(answers, list) and answers and isinstance(answers[0], (list, dict)):
            return answers.pop(0)
        return answers

    def send(self, action, **answer):
        number = "" if self.options["legacy"] else action.requestID
        self.outgoing.put(protos.ClientEvent(
            actionResponse=protos.ActionResponse(requestID=number, **answer)))

    def show(self, checkpoint):
        values = json.loads(checkpoint.checkpoint)["channel_values"]
        part = values["ui_chat_log"]
        ids = [entry["message_id"] for entry in self.log]
        whole = "incremental_streaming" not in self.options["capabilities"]
        if whole or (part and part[0]["message_id"] not in ids) and checkpoint.status in ("FAILED", "STOPPED"):
            self.log = part
        elif part:
            # a part begins with an entry that is known, else it is new as a whole
            first = part[0]["message_id"]
            place = ids.index(first) if first in ids else len(self.log)
            self.suffixes += place > 0
            self.log = self.log[:place] + part
        for entry in part:
            brief = [entry["message_type"], entry["message_sub_type"], entry["content"]]
            if entry["status"] == "pending" and brief not in self.pending:
                self.pending.append(brief)
        if not self.shown or self.shown[-1] != checkpoint.status:
            self.shown.append(checkpoint.status)
        self.goal = checkpoint.goal
        self.usage = {agent: [it.total_tokens, it.max_tokens]
                      for agent, it in checkpoint.agent_context_usage.items()}
        last = part[-1] if part else {}
        return f"newCheckpoint {checkpoint.status} {last.get('message_type')} {last.get('status')}"

    def stop(self, wanted):
        self.outgoing.put(protos.ClientEvent(
            stopWorkflow=protos.StopWorkflowRequest(reason=wanted["reason"])))

    def half_close(self, _):
        self.outgoing.put(None)

    def cancel(self, _):
        self.call.cancel()

    def report(self):
        workflow = self.gitlab.workflow(self.options["workflow"])
        brief = [[entry["message_type"], entry["status"], entry["content"]] for entry in self.log]
        stored = self.gitlab.stored_log(self.options["workflow"])
        return {
            "sequence": self.sequence, "shown": self.shown, "brief": brief, "log": self.log,
            "suffixes": self.suffixes, "code": self.code, "details": self.details, "goal": self.goal,
            "seconds": self.seconds, "status": workflow["status"], "title": workflow["goal"],
            "asked": self.asked, "pending": self.pending, "usage": self.usage, "tracked": self.tracked,
            "stored": stored,
            "checkpoints": [it["thread_ts"] for it in workflow["checkpoints"]],
            "parents": [it["parent_ts"] for it in workflow["checkpoints"]],
            "models": [it.get("model_metadata_json") for it in workflow["checkpoints"]],
        }


main()
