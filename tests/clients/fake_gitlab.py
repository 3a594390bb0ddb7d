"""GitLab's side of a session, as Rails keeps it: status machine, checkpoints, GraphQL of one version.

What Rails refuses is refused: events from the wrong status (400), checkpoints without metadata (400),
fields of GraphQL that this version does not have (errors). The state lies in a file, so that it
outlives a client.
"""

import base64
import json
import re
import zlib

# event: the statuses it may come from, and where it leads (agent-platform 5.1)
ACTIVE = ["paused", "input_required", "plan_approval_required", "tool_call_approval_required"]
EVENTS = {
    "start": (["created"], "running"),
    "pause": (["running"], "paused"),
    "require_input": (["running"], "input_required"),
    "require_plan_approval": (["running"], "plan_approval_required"),
    "require_tool_call_approval": (["running"], "tool_call_approval_required"),
    "resume": (ACTIVE, "running"),
    "retry": (["running", "stopped", "failed"], "running"),
    "finish": (["running"], "finished"),
    "drop": (["created", "running", *ACTIVE], "failed"),
    "stop": (["created", "running", *ACTIVE], "stopped"),
}

# fields of a workflow, and the version that brought each
FIELDS = {
    "archived": (18, 3), "stalled": (18, 3), "namespaceId": (18, 3), "latestCheckpoint": (18, 8),
    "duoContextExclusionSettings": (18, 3), "promptInjectionProtectionLevel": (18, 8),
    "compressedCheckpoint": (19, 0), "incrementalCheckpointsEnabled": (19, 2),
    "duoWorkflowStatusCheck": (19, 2), "webSearchEnabled": (19, 3), "toolCallApproved": (19, 0),
}

PROJECT = {
    "id": "gid://gitlab/Project/7", "name": "Edge", "description": "What stands in front",
    "httpUrlToRepo": "https://gitlab.test/team/edge.git", "webUrl": "https://gitlab.test/team/edge",
    "languages": [{"name": "Rust", "share": 100.0}],
    "statisticsDetailsPaths": {"repository": "/team/edge/-/tree/main"},
}


class FakeGitLab:
    def __init__(self, file, version):
        self.file = file
        self.version = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", version).groups())
        try:
            with open(file) as stored:
                self.workflows = json.load(stored)
        except FileNotFoundError:
            self.workflows = {}
        # answers in the place of GitLab's: (method, path's beginning) to statuses, one after the other
        self.faults = {}

    def save(self):
        with open(self.file, "w") as stored:
            json.dump(self.workflows, stored)

    def workflow(self, number):
        return self.workflows.setdefault(
            number, {"status": "created", "goal": None, "checkpoints": [], "archived": False,
                     "stalled": False, "privileges": ["read_only_gitlab", "read_write_gitlab"],
                     "preapproved": ["read_only_gitlab"], "exclusions": []})

    def answer(self, method, path, body):
        """The status and the text of an answer."""
        for (faulty, beginning), answers in self.faults.items():
            if faulty == method and path.startswith(beginning) and answers:
                return answers.pop(0)
        if (method, path) == ("POST", "/api/graphql"):
            return 200, json.dumps(self.graphql(json.loads(body)))
        if (method, path) == ("GET", "/api/v4/user"):
            return 200, json.dumps({"id": 3, "username": "ada", "name": "Ada"})
        if method == "GET" and path.startswith("/api/v4/projects/"):
            if path.removeprefix("/api/v4/projects/") in ("7", "team%2Fedge"):
                return 200, json.dumps({"id": 7, "path_with_namespace": "team/edge"})
            return 404, json.dumps({"message": "404 Project Not Found"})
        match = re.fullmatch(r"/api/v4/ai/duo_workflows/workflows/(\d+)(/checkpoints)?(\?.*)?", path)
        if not match or match.group(1) not in self.workflows:
            return 404, json.dumps({"message": "404 Not Found"})
        workflow = self.workflows[match.group(1)]
        if match.group(2):
            return self.checkpoints(workflow, method, match.group(3) or "", body)
        if method == "GET":
            return 200, json.dumps({"id": int(match.group(1)), "status": workflow["status"]})
        return self.event(workflow, json.loads(body)["status_event"])

    def event(self, workflow, event):
        if event not in EVENTS:
            return 400, json.dumps({"error": "status_event does not have a valid value"})
        before, after = EVENTS[event]
        if workflow["status"] != after and workflow["status"] not in before:
            return 400, json.dumps({"message": "Can not update workflow status"})
        workflow["status"] = after
        return 200, json.dumps({"workflow": {"status": after}})

    def checkpoints(self, workflow, method, query, body):
        stored = sorted(workflow["checkpoints"], key=lambda it: it["thread_ts"], reverse=True)
        if method == "GET":
            size = int(re.search(r"per_page=(\d+)", query).group(1))
            page = int((re.search(r"[?&]page=(\d+)", query) or [0, "1"])[1])
            return 200, json.dumps(stored[(page - 1) * size:page * size])
        new = json.loads(body)
        if not new.get("metadata") or not new.get("thread_ts"):
            return 400, json.dumps({"message": "metadata can't be blank"})
        checkpoint = new.get("checkpoint") or unpack(new["compressed_checkpoint"])
        if not stored:
            workflow["goal"] = checkpoint["channel_values"].get("__start__", {}).get("goal")
        workflow["checkpoints"].append({key: new.get(key) for key in (
            "thread_ts", "parent_ts", "metadata", "checkpoint", "compressed_checkpoint", "model_metadata_json")})
        return 201, json.dumps({"id": len(workflow["checkpoints"]), "thread_ts": new["thread_ts"],
                                "parent_ts": new.get("parent_ts")})

    def graphql(self, request):
        asked = request["query"]
        for field, since in FIELDS.items():
            if self.version < since and re.search(rf"\b{field}\b", asked):
                return {"errors": [{"message": f"Field '{field}' doesn't exist on type"}]}
        if self.version >= (18, 8) and "firstCheckpoint" in asked:
            return {"errors": [{"message": "Field 'firstCheckpoint' doesn't exist on type"}]}
        number = request["variables"]["workflowId"].removeprefix(
            "gid://gitlab/Ai::DuoWorkflows::Workflow/")
        if number not in self.workflows:
            return {"data": {"duoWorkflowWorkflows": {"nodes": []}}}
        workflow = self.workflows[number]
        node = {
            "statusName": workflow["status"].upper(), "projectId": PROJECT["id"],
            "project": {**PROJECT, "duoContextExclusionSettings": {
                "exclusionRules": workflow["exclusions"]}},
            "agentPrivilegesNames": workflow["privileges"], "mcpEnabled": workflow.get("mcp", False),
            "preApprovedAgentPrivilegesNames": workflow["preapproved"],
            "allowAgentToRequestUser": True, "archived": workflow["archived"],
            "stalled": workflow["stalled"],
        }
        stored = max(workflow["checkpoints"], key=lambda it: it["thread_ts"], default=None)
        if "firstCheckpoint" in asked:
            node["firstCheckpoint"] = stored and {"checkpoint": "{}"}
        elif stored:
            full = stored["checkpoint"] or unpack(stored["compressed_checkpoint"])
            node["latestCheckpoint"] = {
                "threadTs": stored["thread_ts"], "parentTs": stored["parent_ts"],
                "metadata": json.dumps(stored["metadata"]),
            }
            if "compressedCheckpoint" in asked:
                node["latestCheckpoint"]["compressedCheckpoint"] = pack(full)
            else:
                node["latestCheckpoint"]["checkpoint"] = json.dumps(full)
        return {"data": {"duoWorkflowWorkflows": {"nodes": [node]}}}

    def stored_log(self, number):
        """What GitLab's session page shows: the log of the newest checkpoint."""
        stored = max(self.workflow(number)["checkpoints"], key=lambda it: it["thread_ts"], default=None)
        if stored is None:
            return None
        full = stored["checkpoint"] or unpack(stored["compressed_checkpoint"])
        values = full.get("channel_values", {})
        return values.get("__start__", values).get("ui_chat_log")


def unpack(text):
    return json.loads(zlib.decompress(base64.b64decode(text)))


def pack(value):
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()
