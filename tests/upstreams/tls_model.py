"""A model server behind TLS that answers one text and says who asked.

    tls_model.py CERTIFICATE KEY [CLIENT_CA]     with CLIENT_CA it lets in whoever shows a certificate of it
"""

import http.server
import json
import ssl
import sys

certificate, key, *client_ca = sys.argv[1:]


class Model(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        shown = self.connection.getpeercert() or {}
        names = [value for part in shown.get("subject", ()) for name, value in part if name == "commonName"]
        text = "hello " + (names[0] if names else "stranger")
        body = json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
if client_ca:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client_ca[0])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(f"ready 127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
