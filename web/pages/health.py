"""Answers machines that ask whether this process is well: alive at all, and fit to be sent requests."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from records import database, migrate

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """200 while the database answers, 503 while it does not."""
    try:
        up = database.is_up(current_app.extensions["engine"])
    except SQLAlchemyError:
        up = False
    return jsonify(ok=up), 200 if up else 503


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when the database answers and has the shape that this code wants."""
    try:
        current = migrate.is_current(current_app.extensions["engine"])
    except SQLAlchemyError:
        return jsonify(ok=False, why="the database does not answer"), 503
    return (jsonify(ok=True), 200) if current else (jsonify(ok=False, why="migrations are due"), 503)
