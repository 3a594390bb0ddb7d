"""acme2certifier with an authority of its own: acme2certifier_server.py FOLDER PORT [LINE...]

Each LINE goes into the section about renewal information. A server started again on the same folder
has the same authority, accounts and certificates. For each order a line tells what it replaces, and
whether the answer says so too.
"""

import base64
import importlib.util
import io
import json
import os
import subprocess
import sys
from wsgiref.simple_server import make_server

folder, port = sys.argv[1], int(sys.argv[2])
os.makedirs(os.path.join(folder, "certs"), exist_ok=True)
key, root = os.path.join(folder, "ca.key"), os.path.join(folder, "ca.crt")
if not os.path.exists(root):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", root,
         "-days", "30", "-subj", "/CN=a second authority",
         "-addext", "basicConstraints=critical,CA:TRUE",
         "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
        check=True, stderr=subprocess.DEVNULL,
    )
renewal_info = "\n".join(sys.argv[3:])
settings = os.path.join(folder, "acme_srv.cfg")
with open(settings, "w", encoding="utf-8") as file:
    file.write(f"""[DEFAULT]
debug: False
[Nonce]
nonce_check_disable: False
[CAhandler]
handler_module: acme2certifier.cahandlers.openssl_ca_handler
issuing_ca_key: {key}
issuing_ca_cert: {root}
issuing_ca_crl: {folder}/crl.pem
cert_validity_days: 30
cert_save_path: {folder}/certs
[DBhandler]
handler_module: acme2certifier.dbhandlers.wsgi_handler
dbfile: {folder}/acme_srv.db
[Challenge]
challenge_validation_disable: False
dns_server_list: ["127.0.0.1"]
[Directory]
url_prefix:
[Renewalinfo]
{renewal_info}
""")
os.environ["ACME_SRV_CONFIGFILE"] = settings
os.environ["ACME2CERTIFIER_BASE_DIR"] = folder

import acme2certifier.share  # noqa: E402  (reads the environment)

path = os.path.join(os.path.dirname(acme2certifier.share.__file__), "acme2certifier_wsgi.py")
spec = importlib.util.spec_from_file_location("acme2certifier_wsgi", path)
server = importlib.util.module_from_spec(spec)
spec.loader.exec_module(server)


def application(environ, start_response):
    if environ["PATH_INFO"] != "/acme/neworders":
        return server.application(environ, start_response)
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    environ["wsgi.input"] = io.BytesIO(body)
    answer = b"".join(server.application(environ, start_response))
    payload = json.loads(body)["payload"]
    order = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    told, echoed = order.get("replaces"), json.loads(answer).get("replaces")
    # one write, with a line of its own, since the server's threads write their log between two
    os.write(1, f"\nan order replaces {told}, the answer says {echoed}\n".encode())
    return [answer]


make_server("127.0.0.1", port, application).serve_forever()
