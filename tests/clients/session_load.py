"""Many Workhorses with grpcio (C core): sessions that wait, and turns at a steady rate beside them.

session_load.py TARGET ROOT|clear OPTIONS

OPTIONS is a JSON object; see `OPTIONS` below. A session that waits is one whose client does not answer
the first change of its status, for which the server waits without end. Prints a line as soon as each
part is done, its name and a JSON object:

    open {...}    all sessions wait
    turns {...}   the turns are over
    ended {...}   how the sessions that waited ended, once something ended them
"""

import asyncio
import collections
import json
import math
import os
import pathlib
import sys
import time

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../proto"))
protos = grpc.protos("duo_workflow.proto")

OPTIONS = {
    # the name in the server's certificate
    "name": "edge.test",
    # where the model is, as GitLab says it
    "model": {},
    # sessions that wait, and seconds between the last one and the first turn
    "sessions": 100, "pause": 1,
    # turns a second, and for how long
    "rate": 10, "seconds": 2,
    # calls of `get_current_user` in each, as the model wants them
    "tools": 0,
    # seconds until the sessions that wait have to have ended
    "patience": 60,
}

# below what the server takes on one connection
STREAMS = 200

# sessions that are being opened at once
OPENING = 50

RECORD = {"data": {"duoWorkflowWorkflows": {"nodes": [{
    "statusName": "created", "archived": False, "stalled": False, "latestCheckpoint": None,
    "agentPrivilegesNames": ["read_only_gitlab"], "preApprovedAgentPrivilegesNames": ["read_only_gitlab"],
    "project": {"id": "gid://gitlab/Project/7", "name": "Edge", "webUrl": "https://gitlab.test/team/edge"},
}]}}}

# what a tool asks, and what GitLab says, shortened
USER_PATH = "/api/v4/user"
USER = {"id": 7, "username": "edda", "name": "Edda Moser", "state": "active", "locked": False,
        "web_url": "https://gitlab.test/edda", "created_at": "2024-02-29T12:00:00.000Z", "bio": "Keeps the gate."}


class Load:
    def __init__(self, target, root, options):
        self.options = options
        self.metadata = [
            ("authorization", "Bearer x"), ("x-gitlab-authentication-type", "oidc"),
            ("x-gitlab-realm", "self-managed"), ("x-gitlab-version", "18.11.2"),
            ("x-gitlab-agent-platform-model-metadata", json.dumps(options["model"])),
        ]
        count = math.ceil(options["sessions"] / STREAMS) + 2
        self.channels = [connect(target, root, options["name"], number) for number in range(count)]
        self.begun = 0
        self.opening = asyncio.Semaphore(OPENING)

    async def run(self):
        waiting = [Session(self) for _ in range(self.options["sessions"])]
        started = time.monotonic()
        running = [asyncio.create_task(session.wait()) for session in waiting]
        await asyncio.gather(*(session.is_open.wait() for session in waiting))
        failed = [session.code for session in waiting if session.code]
        say("open", {"sessions": len(waiting) - len(failed), "failed": dict(collections.Counter(failed)),
                     "seconds": time.monotonic() - started})
        await asyncio.sleep(self.options["pause"])
        say("turns", await self.turns())
        await asyncio.wait(running, timeout=self.options["patience"]) if running else None
        ends = collections.Counter(f"{session.code} {session.details}" for session in waiting)
        say("ended", dict(ends))

    async def turns(self):
        count = int(self.options["rate"] * self.options["seconds"])
        started = time.monotonic()
        turns = []
        for number in range(count):
            await asyncio.sleep(max(0, started + number / self.options["rate"] - time.monotonic()))
            turns.append(asyncio.create_task(Session(self).turn()))
        taken = sorted(await asyncio.gather(*turns))
        good = [seconds for seconds in taken if seconds < math.inf]
        point = lambda share: good[min(len(good) - 1, int(share * len(good)))] if good else None
        return {"turns": len(good), "failed": count - len(good), "seconds": time.monotonic() - started,
                "p50_s": point(0.5), "p99_s": point(0.99)}


class Session:
    def __init__(self, load):
        load.begun += 1
        self.load, self.number = load, str(load.begun)
        self.channel = load.channels[load.begun % len(load.channels)]
        self.is_open = asyncio.Event()
        self.code = self.details = None
        self.tools = 0

    async def wait(self):
        """Stays open until the server ends it."""
        async with self.load.opening:
            begun = asyncio.create_task(self.converse(lambda body: body.get("status_event") == "start"))
            await asyncio.wait([begun, asyncio.create_task(self.is_open.wait())],
                               return_when=asyncio.FIRST_COMPLETED)
        await begun
        self.is_open.set()

    async def turn(self):
        """Seconds that a turn took; endless where it did not go well."""
        started = time.monotonic()
        await self.converse(lambda body: False)
        went_well = self.code == "OK" and self.tools == self.load.options["tools"]
        return time.monotonic() - started if went_well else math.inf

    async def converse(self, is_held):
        call = self.channel.stream_stream(
            "/DuoWorkflow/ExecuteWorkflow", request_serializer=protos.ClientEvent.SerializeToString,
            response_deserializer=protos.Action.FromString)(metadata=self.load.metadata)
        try:
            await call.write(protos.ClientEvent(startRequest=protos.StartWorkflowRequest(
                clientVersion="1.0", workflowID=self.number, workflowDefinition="chat", goal="Who am I?")))
            while (action := await call.read()) is not grpc.aio.EOF:
                if not action.HasField("runHTTPRequest"):
                    continue
                request = action.runHTTPRequest
                self.tools += request.path == USER_PATH
                body = json.loads(request.body) if request.body else {}
                if is_held(body):
                    self.is_open.set()
                    continue
                await call.write(protos.ClientEvent(actionResponse=protos.ActionResponse(
                    requestID=action.requestID, httpResponse=answer(request))))
        except (grpc.RpcError, asyncio.InvalidStateError):
            pass
        self.code, self.details = (await call.code()).name, await call.details()


def answer(request):
    if request.path == "/api/graphql":
        return protos.HttpResponse(statusCode=200, body=json.dumps(RECORD))
    if "/checkpoints" in request.path:
        return protos.HttpResponse(statusCode=201, body="{}")
    if request.path == USER_PATH:
        return protos.HttpResponse(statusCode=200, body=json.dumps(USER))
    return protos.HttpResponse(statusCode=200, body='{"status": "input_required"}')


def connect(target, root, name, number):
    # without a pool of its own each channel would be the first one's connection
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0), ("bench.number", number)]
    if root == "clear":
        return grpc.aio.insecure_channel(target, options)
    credentials = grpc.ssl_channel_credentials(pathlib.Path(root).read_bytes())
    return grpc.aio.secure_channel(target, credentials, [*options, ("grpc.ssl_target_name_override", name)])


def say(what, found):
    print(what, json.dumps(found), flush=True)


async def main():
    target, root, options = sys.argv[1:]
    await Load(target, root, {**OPTIONS, **json.loads(options)}).run()


asyncio.run(main())
