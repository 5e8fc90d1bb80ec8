"""Somebody at a browser that runs no scripts: what every page has to work for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

PASSWORD = "correct horse"


@dataclass
class Person:
    """Somebody at a browser."""

    client: FlaskClient
    engine: Engine

    def sign_in(self, name: str = "Grace", password: str = PASSWORD) -> TestResponse:
        return self.post("/ops/sign-in", at="/ops/sign-in", name=name, password=password)

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, *, at: str = "/ops/work", **fields: Any) -> TestResponse:
        """Press a form's button; its token is read from a page that stands open."""
        return self.client.post(path, data={"csrf_token": token_in(self.client.get(at)), **fields})

    def rows(self, sql: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(sql), values))

    def row(self, sql: str, **values: Any) -> Any:
        (only,) = self.rows(sql, **values)
        return only


def token_in(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, f"no form on this page:\n{page.text[:500]}"
    return found.group(1)
