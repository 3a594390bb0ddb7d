"""The gateways side by side: how each is configured and asked, and the model server behind them."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import urllib.request

import peers
from measures import Failure, anyone, found, h2load, measured, refuse, say
from servers import PARTS, ROOT, Server, free_port, make_certificate

LOAD = pathlib.Path(os.environ.get("DUOGATE_BENCH_LOAD", ROOT / "target/release/examples/load"))
LITELLM = PARTS.parents[1] / "litellm/bin/litellm"


class Gateways:
    """The model server and those in front of it; ends them all."""

    def __init__(self, folder):
        self.folder = folder
        self.servers = {}

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.certificate, self.key = make_certificate(self.folder)
            subprocess.run(["openssl", "genrsa", "-traditional", "-out", self.folder / "signing.pem", "2048"],
                           check=True, capture_output=True)
            self.model = self.start(stack, Server, "model", lambda _, port: [LOAD, "model", "--port", port])
            self.servers["duogate"] = self.start(
                stack, Duogate, "duogate", lambda _, port: duogate(self, port, "duogate", False))
            self.servers["token"] = self.start(
                stack, Duogate, "token", lambda _, port: duogate(self, port, "token", True))
            self.servers["token"].headers = token_from(self.servers["duogate"])
            if LITELLM.exists():
                self.servers["litellm"] = self.start(
                    stack, Litellm, "litellm", lambda _, port: litellm(self, port))
            else:
                say("litellm is not installed and left out; tests/parts.sh bench installs it")
            for server in self.servers.values():
                server.try_it()
            self.ends = stack.pop_all()
        return self

    def start(self, stack, kind, name, make):
        server = kind(name, self, make)
        stack.callback(server.end)
        return server

    def restart(self, name):
        """A fresh process, whose memory is its own."""
        old = self.servers[name]
        old.end()
        self.servers[name] = self.start(self.ends, type(old), name, old.make)
        self.servers[name].headers = old.headers
        self.servers[name].try_it()
        return self.servers[name]

    def __exit__(self, *_):
        self.ends.close()


class Gateway(Server):
    """What the clients need to know of one."""

    headers = ()
    certificate = None

    def __init__(self, name, stage, make):
        self.make = make
        self.folder = stage.folder
        self.model = stage.model
        super().__init__(name, stage, make, patience=120)

    def body(self, streams=False, gap=0, count=0):
        """A file with one request; paced answers have their pace in the endpoint's path."""
        path = self.folder / f"{self.name}-{streams}-{gap}-{count}.json"
        pace = f"/paced/{gap}/{count}" if gap else ""
        path.write_text(json.dumps(self.request(f"http://127.0.0.1:{self.model.port}{pace}/v1", streams)))
        return path

    def fields(self, option):
        return [f"{option}{field}" for field in ("content-type: application/json", *self.headers)]

    def most(self, seconds, http2):
        """As many as it answers to 32 clients at once."""
        if http2:
            return h2load(self, seconds, ["-c16", "-m8", "-d", self.body(), *self.fields("-H"),
                                          self.url + self.path])
        script = self.folder / f"{self.name}.lua"
        body = self.body().read_text()
        script.write_text(f"wrk.method = 'POST'\nwrk.body = [==[{body}]==]\n")
        output, spent = measured(self, ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", script,
                                        *self.fields("-H"), self.url + self.path], 30 + seconds)
        count, took = found(r"(\d+) requests in ([\d.]+)s", output).groups()
        refuse(re.search(r"(Non-2xx|Socket errors).*", output))
        return {"per_second": int(count) / float(took), "cpu_us": 1e6 * spent / int(count)}

    def try_it(self):
        """One completion, which has to be the model's."""
        headers = dict(field.split(": ") for field in self.fields(""))
        request = urllib.request.Request(self.url + self.path, self.body().read_bytes(), headers)
        answer = urllib.request.urlopen(request, timeout=30, context=anyone()).read().decode()
        if "return first + second" not in answer:
            raise Failure(f"{self.name} answers {answer}")


class Duogate(Gateway):
    path = "v2/code/completions"
    connections = 16

    def __init__(self, name, stage, make):
        self.certificate = stage.certificate
        super().__init__(name, stage, make)

    def request(self, endpoint, streams):
        """As Rails sends it (http-api 2.1)."""
        return {"current_file": {"file_name": "app.py", "language_identifier": "python",
                                 "content_above_cursor": ABOVE, "content_below_cursor": BELOW},
                "project_path": "group/project", "project_id": 1, "telemetry": [], "stream": streams,
                "model_provider": "litellm", "prompt_version": 2, "prompt": None,
                "model_endpoint": endpoint, "model_name": "codestral", "model_api_key": "secret",
                "model_identifier": "custom_openai/codestral"}


class Litellm(Gateway):
    """Without TLS, which is the smaller work."""

    path = "v1/chat/completions"
    connections = 64

    def __init__(self, name, stage, make):
        super().__init__(name, stage, make)
        self.url = self.url.replace("https", "http")

    def request(self, endpoint, streams):
        name = "paced" if "/paced/" in endpoint else "instant"
        return {"model": name, "stream": streams, "max_tokens": 64, "temperature": 0.7,
                "messages": [{"role": "user", "content": f"[SUFFIX]{BELOW}[PREFIX]{ABOVE}[MIDDLE]"}]}


def duogate(stage, port, name, required):
    path = stage.folder / f"{name}.yaml"
    path.write_text(f"""
domains: [bench.test]
listen: {{https: "127.0.0.1:{port}", http: "127.0.0.1:{free_port()}", admin: "127.0.0.1:{free_port()}"}}
tls:
  source: files
  state: {stage.folder}/{name}-state
  files: {{certificate: {stage.certificate}, key: {stage.key}}}
gateway: builtin
customers_portal: null
auth: {{required: {json.dumps(required)}}}
keys: {{gateway: {{signing: {stage.folder}/signing.pem}}}}
log: {{level: warn}}
drain: {{delay_seconds: 0, grace_seconds: 1}}
limits: {{requests_in_flight: 20000, upstream_connections: 20000}}
""")
    return [peers.BINARY, "serve", "--config", path]


def token_from(server):
    """A user's token, signed with the key that both have."""
    request = urllib.request.Request(server.url + "v1/code/user_access_token", b"", {
        "Content-Type": "application/json", "X-Gitlab-Global-User-Id": "bench"})
    token = json.load(urllib.request.urlopen(request, timeout=30, context=anyone()))["token"]
    return (f"authorization: Bearer {token}", "x-gitlab-authentication-type: oidc",
            "x-gitlab-global-user-id: bench")


def litellm(stage, port):
    path = stage.folder / "litellm.yaml"
    models = "".join(f"""
  - model_name: {name}
    litellm_params: {{model: openai/codestral, api_key: none, api_base: "http://127.0.0.1:{stage.model.port}{pace}/v1"}}"""
                     for name, pace in (("instant", ""), ("paced", f"/paced/50/{PACED_SECONDS * 20}")))
    path.write_text(f"model_list:{models}\nlitellm_settings: {{telemetry: false}}\n")
    quiet = stage.folder / "litellm-log.json"
    quiet.write_text(json.dumps({"version": 1, "loggers": {"uvicorn.access": {"level": "CRITICAL"}}}))
    return ["env", "LITELLM_LOCAL_MODEL_COST_MAP=True", "LITELLM_LOG=ERROR", LITELLM, "--config", path,
            "--host", "127.0.0.1", "--port", port, "--num_workers", peers.CORES, "--timeout_worker_healthcheck", 60,
            "--telemetry", "False", "--log_config", quiet]


def versions():
    """By name; ends the run where what makes the load is not there."""
    if not LOAD.exists():
        raise SystemExit(f"{LOAD} is not there; cargo build --release --locked --example load makes it")
    found_ones = peers.versions(["duogate"])
    if LITELLM.exists():
        done = subprocess.run([LITELLM.parent / "pip", "list"], capture_output=True, text=True, check=False)
        found_ones["litellm"] = found(r"(?m)^litellm +(\S+)", done.stdout).group(1)
    return found_ones


#: 2.5 kB of code around the cursor, about what an editor sends of a file of a few screens
ABOVE = "".join(f"def add_{number}(first, second):\n    return first + second\n\n\n" for number in range(36))
BELOW = "".join(f"assert add_{number}(1, 2) == 3\n" for number in range(18))

#: how long a paced answer takes
PACED_SECONDS = 20
