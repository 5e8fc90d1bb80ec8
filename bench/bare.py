"""The least that a webhook door can do in Flask: check the HMAC, commit one INSERT, answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading

import psycopg
from flask import Flask, Response, request

SECRET = b"bench-secret"
app = Flask(__name__)
local = threading.local()


def connection() -> psycopg.Connection:
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    return local.connection


@app.post("/hooks")
def receive() -> Response:
    body = request.get_data(cache=False)
    expected = base64.b64encode(hmac.digest(SECRET, body, hashlib.sha256))
    if not hmac.compare_digest(expected, request.headers["X-Shopify-Hmac-Sha256"].encode()):
        return Response(status=401)
    connection().execute(
        "INSERT INTO bench_bare (delivery_id, topic, body) VALUES (%s, %s, %s)",
        (request.headers["X-Shopify-Webhook-Id"], request.headers["X-Shopify-Topic"], body),
    )
    return Response('{"result":"kept"}\n', status=202, content_type="application/json")
