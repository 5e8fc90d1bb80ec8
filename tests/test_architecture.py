"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, text

from config.settings import Settings
from jobs import queue, stages, worker
from records import walls
from records.schema import METADATA

ROOT = Path(__file__).parents[1]
ROOMS = ("commands", "config", "web", "jobs", "orders", "records", "integrations", "sandbox", "demo", "bench", "drills")
PATHS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.py"), *(found for room in ROOMS for found in (ROOT / room).rglob("*.py"))]
    if "migrations/versions" not in path.as_posix() and "__pycache__" not in path.parts
)
OURS = [path for path in PATHS if path.split("/")[0] not in {"sandbox", "demo", "bench", "drills"}]


@cache
def tree(path):
    return ast.parse((ROOT / path).read_text(), filename=path)


def imports(path):
    """Every name that a file imports: `rq`, `rq.Queue`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importing(*packages, of=OURS):
    """What each file imports of some packages."""
    found = {path: {name for name in imports(path) if name.split(".")[0] in packages} for path in of}
    return {path: names for path, names in found.items() if names}


def calls(path):
    """Every call in a file: what is called, as it is written, and the call."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


# ------------------------------------------------------------------------------------------- who knows whom


def test_arrows_point_down_only():
    # A process of its own: import-linter sets up logging anew and silences every logger there is.
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    linted = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout


# Who may look at the environment besides config, each with its reason.
READ_THE_ENVIRONMENT = {
    "cli.py",
    "commands/connections.py",
    "commands/users.py",
    "config/server.py",
    "web/metrics.py",  # looks for the variable that prometheus_client itself reads
    "drills/worker.py",  # is told where its processes are to die; no process of production has that file
    "drills/processes.py",  # hands its own on to the programs that it starts
}


def test_the_environment_is_read_in_config_and_on_the_command_line_only():
    looked_at = [*OURS, *(path for path in PATHS if path.startswith("drills/"))]
    reads = {
        path for path in looked_at for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
        and isinstance(node.value, ast.Name) and node.value.id == "os"
    }  # fmt: skip

    assert reads <= READ_THE_ENVIRONMENT
    assert not [path for path, names in importing("os", of=looked_at).items() if names & {"os.environ", "os.getenv"}]


def test_a_vendor_s_own_library_stays_with_its_connector():
    outside = [path for path in PATHS if not path.startswith("integrations/")]

    assert importing("stripe", "easypost", "shopify", "shopify_app", "pyactiveresource", of=outside) == {}


# Who may know the queue's engine, and what of it.
KNOW_RQ = {
    "jobs/bell.py": {"rq.Queue", "rq.serializers.JSONSerializer"},
    "jobs/worker.py": {
        "rq.SimpleWorker",
        "rq.job.Job",
        "rq.serializers.JSONSerializer",
        "rq.Queue",
        "rq.timeouts.JobTimeoutException",
        "rq.worker.WorkerStatus",  # to answer a bell in our own way
    },
    "jobs/runner.py": {"rq.timeouts.JobTimeoutException"},  # the alarm that rings in the middle of a job
    "jobs/health.py": {"rq.Worker", "rq.worker.BaseWorker", "rq.serializers.JSONSerializer"},  # only to count listeners
}
KNOW_REDIS = {
    "jobs/bell.py",
    "jobs/worker.py",
    "jobs/sweep.py",
    "jobs/clock.py",
    "jobs/health.py",
    "commands/doctor.py",  # only to ask what Redis throws away when it is full
    "config/embedded.py",
}


def test_the_queue_s_engine_is_known_to_a_few_files_only():
    found = importing("rq", of=PATHS)

    assert {path: more for path, names in found.items() if (more := names - KNOW_RQ.get(path, set()))} == {}
    assert set(importing("redis")) <= KNOW_REDIS


def test_what_loses_jobs_or_unpickles_is_never_imported():
    names = {name for found in importing("rq", of=PATHS).values() for name in found}

    assert not {
        name
        for name in names
        if name.split(".")[-1] in {"WorkerPool", "CronScheduler", "Retry", "Repeat", "SpawnWorker"}
    }


def test_every_queue_and_worker_speaks_json():
    opened = [
        (path, name, {word.arg: ast.unparse(word.value) for word in call.keywords}.get("serializer"))
        for path in PATHS
        for name, call in calls(path)
        if name.split(".")[-1] in {"Queue", "SimpleWorker", "LaneWorker", "Worker"}
        or name in {"Worker.all", "Worker.find_by_key"}
        if "rq" in {imported.split(".")[0] for imported in imports(path)}
    ]

    assert {(path, name) for path, name, _ in opened} >= {("jobs/bell.py", "Queue"), ("jobs/worker.py", "LaneWorker")}
    assert {serializer for _, _, serializer in opened} == {"JSONSerializer"}
    assert {(path, name) for path, name, _ in opened} <= {
        ("jobs/bell.py", "Queue"), ("jobs/worker.py", "LaneWorker"), ("jobs/health.py", "Worker.all"),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------- settings and stages


def test_the_example_environment_names_every_setting_and_shows_its_default():
    lines = (ROOT / ".env.example").read_text().splitlines()
    shown = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}

    assert set(shown) == set(defaults)
    for name, value in shown.items():
        default = defaults[name]
        default = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        assert value == ("" if default == () else str(default)), name


def test_every_kind_of_job_has_a_stage_and_every_stage_a_kind():
    assert stages.kinds() == set(queue.KINDS)


def test_the_stages_of_an_order_are_ranked_in_their_order():
    ranks = [queue.KINDS[stage.__name__.removeprefix("jobs.")].rank for stage in stages.PIPELINE]

    assert ranks == sorted(set(ranks))
    assert queue.KINDS["reverse_order"].rank < ranks[0]


def test_every_declared_queue_has_a_listener():
    assert worker.listened_to() == frozenset(queue.QUEUES)


# ------------------------------------------------------------------------------------------- records


# Tables of the whole installation, each with its reason.
OF_NO_TENANT = {
    "tenants": "it says who the tenants are",
    "users": "people sign in before anybody knows which shop they will look at, and may look at every one",
    "installs_begun": "the store that is being installed is no tenant yet",
}


def tenant_tables():
    return [table for table in METADATA.tables.values() if table.name not in OF_NO_TENANT]


# Found before anybody knows the tenant, or looked through for all of them at once.
FOR_ALL_TENANTS = {
    "ix_connections_id": "a delivery names its connection, not its tenant",
    "uq_connections_vendor_account": "a delivery names its shop, and a shop belongs to one tenant",
    "ix_jobs_due": "the sweep rings for every tenant",
    "ix_jobs_lease": "the sweep rings for every tenant",
}


def test_every_index_begins_with_the_tenant_but_for_those_with_a_reason():
    others = {
        index.name for table in tenant_tables() for index in table.indexes
        if not index.expressions or getattr(next(iter(index.expressions)), "name", "") != "tenant_id"
    }  # fmt: skip

    assert others == set(FOR_ALL_TENANTS)


def test_no_index_of_a_shop_s_table_works_out_a_function():
    """Behind row-level security it would serve nobody: a function might tell what it was given. See records/orders.py."""
    worked_out = {
        index.name for table in METADATA.tables.values() if table.name not in walls.HOUSE_ONLY
        for index in table.indexes for one in index.expressions if not isinstance(one, Column)
    }  # fmt: skip

    assert worked_out == set()


def test_every_row_is_found_by_its_tenant_first():
    for table in tenant_tables():
        assert next(iter(table.primary_key.columns)).name == "tenant_id", table.name
        for key in table.foreign_key_constraints:
            assert key.column_keys[0] == "tenant_id", f"{table.name}: {key.column_keys}"


def test_the_migrations_build_what_the_models_say(base_engine):
    with base_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


_SHAPE = """
SELECT 'index', regexp_replace(indexdef, ' ON [^ ]+ ', ' ') FROM pg_indexes
WHERE schemaname = current_schema() AND tablename <> 'alembic_version'
UNION ALL
SELECT 'constraint', conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = current_schema()::regnamespace AND conrelid <> 0 AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'table', relname || ' ' || coalesce(reloptions::text, '') FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
"""


def test_the_migrations_build_every_index_and_constraint_to_the_letter(base_engine):
    """Alembic does not compare partial indexes, checks and storage options."""
    with base_engine.connect() as connection, connection.begin() as transaction:
        migrated = {tuple(row) for row in connection.execute(text(_SHAPE))}
        connection.execute(text("CREATE SCHEMA fresh"))
        connection.execute(text("SET LOCAL search_path = fresh"))
        METADATA.create_all(connection)
        fresh = {tuple(row) for row in connection.execute(text(_SHAPE))}
        transaction.rollback()

    assert len(migrated) > 100
    assert migrated == fresh


# Who may speak to the database without standing behind a wall, each with its reason.
KNOW_THE_DATABASE = {
    "records/database.py": "it raises the walls: transaction and across_tenants",
    "records/migrate.py": "it is the tables' owner, and builds the walls",
    "records/inbox.py": "the door's one statement says itself whose it is, over connections that are always a shop's",
    "jobs/clock.py": "its connection holds an advisory lock, and asks for no table",
    "config/embedded.py": "it makes the login that web and workers come as",
}
_OPENS = re.compile(
    r"(^|\.)(create_engine|sessionmaker|scoped_session|AsyncSession)$|^Session$|^psycopg\.connect$|^psycopg\.Connection\."
    r"|(^|[._])engine(\(\))?\.(connect|begin|raw_connection)$"
)


def test_nobody_opens_the_database_past_its_walls():
    known = importing("sqlalchemy", "psycopg", of=OURS)
    found = {path for path in known for name, _ in calls(path) if _OPENS.search(name)}

    assert found == set(KNOW_THE_DATABASE)


def test_what_a_raw_connection_looks_like_is_known():
    for opened in ("engine.connect", "self._engine.begin", "shop.engine().connect", "Session", "psycopg.connect"):
        assert _OPENS.search(opened), opened
    for other in ("database.connect", "requests.Session", "connect.connect", "session.begin_nested", "opening.engine"):
        assert not _OPENS.search(other), other


def test_a_partial_index_is_named_in_plain_text():
    """Of a bound value in a prepared statement PostgreSQL cannot tell which index it means, and refuses it."""
    named = [
        (path, ast.unparse(word.value)) for path in OURS for _, call in calls(path)
        for word in call.keywords if word.arg == "index_where"
    ]  # fmt: skip

    assert named
    assert [(path, value) for path, value in named if not value.startswith("text(")] == []


# ------------------------------------------------------------------------------------------- how it reads


LONGEST_FILE, LONGEST_FUNCTION = 300, 60
LONGER_FILES = {
    "integrations/nouns.py": "one list of values and their fields, with nothing that happens in it",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_file_opens_with_the_sentence_it_exists_for_and_stays_short(path):
    source = (ROOT / path).read_text()

    assert not source.strip() or ast.get_docstring(tree(path)), "no docstring"
    if path not in LONGER_FILES:
        assert source.count("\n") <= LONGEST_FILE


def test_no_function_is_longer_than_a_screen():
    long = {
        f"{path}: {node.name}": node.end_lineno - node.lineno + 1
        for path in PATHS for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    }  # fmt: skip

    assert long == {}


def test_a_test_that_asks_over_http_waits_as_long_as_a_busy_machine_needs():
    """httpx's own five seconds have failed stories on a machine that stood still for longer: see tests/patient.py."""
    asks = {
        f"httpx.{verb}" for verb in ("get", "post", "put", "patch", "delete", "head", "request", "stream", "Client")
    }
    impatient = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(), filename=str(path)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in asks
    ]

    assert impatient == []


def test_no_exception_is_swallowed_in_silence():
    silent = [
        f"{path}:{node.lineno}" for path in PATHS for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and {ast.unparse(one) for one in node.body} <= {"pass", "..."}
    ]  # fmt: skip
    bare = [
        f"{path}:{node.lineno}" for path in PATHS for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]  # fmt: skip

    assert (silent, bare) == ([], [])


def test_no_name_hides_what_it_does():
    vague = re.compile(r"(^|_)(data|info|handle|process|manager|utils|helpers?)(_|$)")
    # SQLAlchemy's own two names, httpx's, and the member of every GraphQL answer.
    known = {"process_bind_param", "process_result_value", "_data", "handle_request"}
    found = {
        f"{path}: {node.name}" for path in OURS for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and vague.search(node.name) and node.name not in known
    }  # fmt: skip

    assert found == set()
