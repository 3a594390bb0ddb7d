"""The servers side by side: start, CPU and memory, end. Their configurations: peers.py."""

import http.client
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ROOT / "tests/.parts/bench/bin"
PYTHON = PARTS / "python"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")


class Stage:
    """Certificate, upstreams and servers in a folder of their own; ends them all."""

    def __init__(self, folder, makers):
        self.folder = folder
        self.makers = makers
        self.servers = {}
        self.upstreams = []

    def __enter__(self):
        here = pathlib.Path(__file__).parent
        try:
            self.certificate, self.key = make_certificate(self.folder)
            self.events = self.start("events", lambda stage, port: [PYTHON, here / "events.py", port])
            self.grpc = self.start("grpc", lambda stage, port: [PYTHON, here / "grpc_load.py", "serve", port])
            self.upstream = self.start("upstream", self.makers["upstream"])
            for name in self.names():
                self.restart(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for server in [*self.servers.values(), *reversed(self.upstreams)]:
            server.end()

    def names(self):
        return [name for name in self.makers if name != "upstream"]

    def start(self, name, make):
        self.upstreams.append(Server(name, self, make))
        return self.upstreams[-1]

    def restart(self, name):
        if name in self.servers:
            self.servers.pop(name).end()
        self.servers[name] = Server(name, self, self.makers[name])
        self.servers[name].wait_until_it_forwards()
        return self.servers[name]


class Server:
    """A process with its children, listening on `port`."""

    def __init__(self, name, stage, make, patience=20):
        self.name = name
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}/"
        command = make(stage, self.port)
        path = stage.folder / f"{name}.log"
        self.log = open(path, "wb")
        home = stage.folder / f"{name}-home"
        home.mkdir(exist_ok=True)
        # the kernel ends it should this program be killed; GOMAXPROCS is what Go takes anyway
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", *map(str, command)],
            stdout=self.log, stderr=subprocess.STDOUT, cwd=stage.folder,
            env={"PATH": PATH, "HOME": str(home), "GOMAXPROCS": str(os.cpu_count())})
        self.wait_until_it_listens(path, patience)

    def wait_until_it_listens(self, log, patience):
        deadline = time.monotonic() + patience
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.end()
                    raise SystemExit(f"{self.name} does not listen: {log.read_text()}") from None
                time.sleep(0.05)

    def wait_until_it_forwards(self):
        """Some listen before they have read their routes."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        deadline = time.monotonic() + 20
        while True:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
            try:
                connection.request("GET", "/", headers={"Host": "bench.test"})
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.name} listens but does not forward")
            time.sleep(0.05)

    def pids(self):
        """The process and its children; none of these servers has grandchildren."""
        own = self.process.pid
        children = pathlib.Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]

    def cpu_seconds(self):
        """User and system time of its processes, ended threads included."""
        return sum(time.clock_gettime(cpu_clock(pid)) for pid in self.pids())

    def resident_bytes(self):
        pages = (int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids())
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def cpu_clock(pid):
    """The clock that counts a process's time as the scheduler does, in nanoseconds (clock_getcpuclockid(3))."""
    return (~pid << 3) | 2


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
