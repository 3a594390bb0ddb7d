"""The servers side by side: configuration, start, CPU and memory, end."""

import os
import pathlib
import signal
import socket
import subprocess
import time

NAMES = ("duogate", "nginx", "haproxy")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")
ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "target/release/duogate"

# more than any run opens, and twice as many fit the usual hard limit of 20 000 descriptors
CONNECTIONS = 8_000


class Stage:
    """Certificate, upstream and servers in a folder of their own; ends them all."""

    def __init__(self, folder, names):
        self.folder = folder
        self.names = names
        self.servers = {}
        self.upstream = None

    def __enter__(self):
        try:
            self.certificate, self.key = make_certificate(self.folder)
            self.upstream = Server("upstream", self.folder, nginx_upstream, (self,))
            for name in self.names:
                self.restart(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in [*self.servers.values(), self.upstream]:
            if server:
                server.end()

    def restart(self, name):
        if name in self.servers:
            self.servers.pop(name).end()
        self.servers[name] = Server(name, self.folder, MAKERS[name], (self,))
        return self.servers[name]


class Server:
    """A process with its children, listening on `port`."""

    def __init__(self, name, folder, make, needs):
        self.name = name
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}/"
        command = make(folder, self.port, *needs)
        self.log = open(folder / f"{name}.log", "wb")
        # the kernel ends it should this program be killed
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", *map(str, command)],
            stdout=self.log, stderr=subprocess.STDOUT, env={"PATH": PATH}, cwd=folder)
        self.wait_until_it_listens(folder)

    def wait_until_it_listens(self, folder):
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.end()
                    words = (folder / f"{self.name}.log").read_text()
                    raise SystemExit(f"{self.name} does not listen: {words}") from None
                time.sleep(0.05)

    def pids(self):
        """The process and its children; none of these servers has grandchildren."""
        own = self.process.pid
        children = pathlib.Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        pages = (int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    certificate, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "30", "-subj", "/CN=bench.test",
         "-addext", "subjectAltName=DNS:bench.test,IP:127.0.0.1",
         "-addext", "basicConstraints=critical,CA:FALSE"],
        check=True, capture_output=True)
    (folder / "both.pem").write_text(certificate.read_text() + key.read_text())
    return certificate, key


def nginx_upstream(folder, port, _stage):
    """1 kB from memory over kept connections."""
    body = "x" * 1024
    return nginx(folder, "upstream", 1, f"""
        server {{
            listen 127.0.0.1:{port};
            keepalive_requests 100000000;
            location / {{ default_type text/plain; return 200 "{body}"; }}
        }}""")


def nginx_edge(folder, port, stage):
    return nginx(folder, "edge", os.cpu_count(), f"""
        upstream service {{
            server 127.0.0.1:{stage.upstream.port};
            keepalive 64;
            keepalive_requests 100000000;
        }}
        server {{
            listen 127.0.0.1:{port} ssl http2 backlog=4096;
            ssl_certificate {stage.certificate};
            ssl_certificate_key {stage.key};
            ssl_protocols TLSv1.2 TLSv1.3;
            keepalive_timeout 300s;
            keepalive_requests 100000000;
            location / {{
                proxy_pass http://service;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_set_header Host $host;
                proxy_set_header X-Forwarded-For $remote_addr;
                proxy_set_header X-Forwarded-Proto https;
                proxy_buffering off;
            }}
        }}""")


def nginx(folder, name, workers, servers):
    path = folder / f"nginx-{name}.conf"
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/nginx-{name}-{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path.write_text(f"""
        daemon off;
        {"user root;" if os.getuid() == 0 else ""}
        worker_processes {workers};
        worker_rlimit_nofile {2 * CONNECTIONS + 1000};
        pid {folder}/nginx-{name}.pid;
        error_log {folder}/nginx-{name}.log;
        events {{ worker_connections {2 * CONNECTIONS}; }}
        http {{ access_log off; {temporary} {servers} }}
    """)
    return ["nginx", "-c", path, "-p", folder, "-e", folder / f"nginx-{name}.log"]


def haproxy_edge(folder, port, stage):
    path = folder / "haproxy.cfg"
    path.write_text(f"""
global
    maxconn {CONNECTIONS}
    nbthread {os.cpu_count()}
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
    option forwardfor
    http-reuse always
frontend edge
    bind 127.0.0.1:{port} ssl crt {folder}/both.pem alpn h2,http/1.1 backlog 4096
    http-request set-header X-Forwarded-Proto https
    default_backend service
backend service
    server one 127.0.0.1:{stage.upstream.port}
""")
    return ["haproxy", "-db", "-f", path]


def duogate_edge(folder, port, stage):
    path = folder / "duogate.yaml"
    path.write_text(f"""
domains: [bench.test]
listen: {{https: "127.0.0.1:{port}", http: "127.0.0.1:{free_port()}", admin: "127.0.0.1:{free_port()}"}}
tls:
  source: files
  state: {folder}/state
  files: {{certificate: {stage.certificate}, key: {stage.key}}}
gateway: http://127.0.0.1:{stage.upstream.port}
# the others write no access log either
log: {{level: warn}}
drain: {{delay_seconds: 0, grace_seconds: 1}}
limits: {{connections: {CONNECTIONS}, connections_per_client: {CONNECTIONS}}}
""")
    return [BINARY, "serve", "--config", path]


MAKERS = {"duogate": duogate_edge, "nginx": nginx_edge, "haproxy": haproxy_edge}


def versions(names):
    def first_line(*command):
        done = subprocess.run(command, capture_output=True, text=True, env={"PATH": PATH}, check=False)
        return (done.stdout + done.stderr).strip().splitlines()[0]

    commands = {"duogate": (BINARY, "--version"), "nginx": ("nginx", "-v"), "haproxy": ("haproxy", "-v")}
    lines = {name: first_line(*commands[name]) for name in names}
    return {name: line.replace("nginx version: ", "").split(" 20")[0] for name, line in lines.items()}
