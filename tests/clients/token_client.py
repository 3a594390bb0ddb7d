"""Tokens as others make and read them: PyJWT, and python-jose, which the official gateway uses.

token_client.py TASK.json

Verifies our token, makes tokens as GitLab does and as the official gateway does for IDEs, and
hostile ones. Tells all as JSON.
"""

import base64
import hashlib
import hmac
import json
import sys

import jwt
from cryptography.hazmat.primitives import serialization
from jose import jws
from jose import jwt as jose

task = json.load(open(sys.argv[1]))
gitlab = task["gitlab"]


def public(pem):
    key = serialization.load_pem_private_key(pem.encode(), password=None).public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


user = dict(task["claims"], iss=task["audience"], sub="user", aud=task["audience"])
answer = {}
for name, library in (("pyjwt", jwt), ("jose", jose)):
    read = library.decode(
        task["token"], public(task["own"]), algorithms=["RS256"], audience=task["audience"]
    )
    header = library.get_unverified_header(task["token"])
    assert header["alg"] == "RS256" and header["typ"] == "JWT", header
    answer[name] = {
        "sub": read["sub"],
        "token": library.encode(
            task["claims"], gitlab["pem"], algorithm="RS256", headers={"kid": gitlab["kid"]}
        ),
        "user_token": library.encode(user, task["own"], algorithm="RS256"),
    }

# the public key as a shared secret: PyJWT and jose refuse to, so by hand
head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": gitlab["kid"]}).encode())
body = head + b"." + part(json.dumps(task["claims"]).encode())
secret = public(gitlab["pem"]).encode()
confused = body + b"." + part(hmac.new(secret, body, hashlib.sha256).digest())
answer["hostile"] = [
    confused.decode(),
    jwt.encode(task["claims"], None, algorithm="none", headers={"kid": gitlab["kid"]}),
    jws.sign(task["claims"], "secret", algorithm="HS256", headers={"kid": gitlab["kid"]}),
    jwt.encode(task["claims"], gitlab["pem"], algorithm="RS512", headers={"kid": gitlab["kid"]}),
    jwt.encode(task["claims"], gitlab["pem"], algorithm="PS256", headers={"kid": gitlab["kid"]}),
]
print(json.dumps(answer))
