"""Behind the queries stands a wall: whatever a transaction asks for, PostgreSQL shows it one shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from alembic import command
from sqlalchemy import Column, Engine, Integer, MetaData, Table, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from config.settings import Settings
from jobs import queue
from records import audit, database, inbox, migrate, users, walls
from records.schema import METADATA
from tests.shop import Said, Shop, open_shop


@pytest.fixture
def acme(engine: Engine) -> Shop:
    return open_shop(engine)


@pytest.fixture
def other(engine: Engine, acme: Shop) -> Shop:
    """Another shop, with rows wherever a small one has some."""
    shop = open_shop(engine, name="Other")
    place = shop.location()
    order = shop.order((shop.variant(stock={place: 5}), 2))
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "verify_order", f"order/{order}")
        audit.write(session, shop.tenant, actor="person:Ann", surface="plain", act="orders.hold")
    return shop


@pytest.fixture
def login(base_settings: Settings, engine: Engine) -> Iterator[Engine]:
    """What web and workers have: one connection, of a login that owns nothing."""
    own = database.connect(base_settings.database_url, pool_size=1, role="walled")
    own.pool._max_overflow = 0
    yield own
    own.dispose()


def seen(engine: Engine, tenant: int) -> dict[str, set[int]]:
    """Whose rows a shop's transaction sees, by table, if it asks for all."""
    with database.transaction(engine, tenant) as session:
        return {
            table.name: set(session.scalars(text(f"SELECT DISTINCT {column} FROM {table.name}")))
            for table in METADATA.sorted_tables
            if (column := walls.column_of(table))
        }


def standing(engine: Engine) -> tuple[str, str]:
    """Who a fresh transaction of this pool is, and whose."""
    with engine.connect() as connection:
        return tuple(
            connection.execute(
                text("SELECT current_user, coalesce(current_setting('packline.tenant', true), '')")
            ).one()
        )


# ------------------------------------------------------------------------------------------- every table


def test_around_every_table_stands_its_wall(engine):
    with engine.connect() as connection:
        assert walls.missing(connection, METADATA) == []


def test_a_new_table_without_a_wall_does_not_go_unseen(engine):
    wider = MetaData()
    for table in METADATA.tables.values():
        table.to_metadata(wider)
    Table("gift_cards", wider, Column("tenant_id", Integer))

    with engine.connect() as connection, connection.begin() as undone:
        connection.execute(text("CREATE TABLE gift_cards (tenant_id bigint)"))
        open_to_all = walls.missing(connection, wider)
        for statement in walls.around("gift_cards"):
            connection.execute(text(statement))
        walled_in = walls.missing(connection, wider)
        connection.execute(text("ALTER POLICY shop ON gift_cards USING (true)"))
        breached = walls.missing(connection, wider)
        undone.rollback()

    assert open_to_all == [
        "gift_cards: row-level security is off",
        "gift_cards: the policy for packline_house is missing",
        "gift_cards: the policy for packline_shop is missing",
    ]
    assert walled_in == []
    assert breached == [
        "gift_cards: the policy for packline_shop is missing",
        "gift_cards: a policy for packline_shop lets true pass",
    ]


# ------------------------------------------------------------------------------------------- one shop


def test_a_shop_sees_its_own_rows_and_no_other_s(login, acme, other):
    mine, theirs = seen(login, acme.tenant), seen(login, other.tenant)

    assert {name for name, tenants in theirs.items() if tenants} >= {
        "tenants", "connections", "orders", "order_lines", "jobs", "locations", "variants", "stock_levels", "movements",
        "audit_lines",
    }  # fmt: skip
    assert [tenants for tenants in theirs.values() if tenants - {other.tenant}] == []
    assert {name for name, tenants in mine.items() if tenants} == {"tenants", "connections"}
    assert [tenants for tenants in mine.values() if tenants - {acme.tenant}] == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_lines (tenant_id, actor, surface, act) VALUES (:other, 'x', 'x', 'x')",
        "UPDATE connections SET tenant_id = :other",
        "INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank) VALUES (:other, 'x', 'x', 'x', 'x', 1)",
    ],
)
def test_a_shop_adds_nothing_to_another_and_gives_nothing_away(login, acme, other, statement):
    before = other.rows("SELECT * FROM connections ORDER BY id")

    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        database.transaction(login, acme.tenant) as session,
    ):
        session.execute(text(statement), {"other": other.tenant})

    assert other.rows("SELECT * FROM connections ORDER BY id") == before
    assert other.one("SELECT count(*) FROM jobs") == other.one("SELECT count(*) FROM audit_lines") == 1


def test_a_query_that_forgets_the_tenant_changes_and_deletes_its_own_only(login, acme, other):
    with database.transaction(login, acme.tenant) as session:
        assert session.execute(text("UPDATE tenants SET name = 'Mine'")).rowcount == 1
        assert session.execute(text("DELETE FROM movements")).rowcount == 0
        assert session.execute(text("UPDATE orders SET state = 'cancelled'")).rowcount == 0

    assert other.rows("SELECT name FROM tenants ORDER BY id") == [("Mine",), ("Other",)]
    assert other.rows("SELECT state FROM orders") == [("released",)]
    assert other.one("SELECT count(*) FROM movements") > 0


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM users",
        "SELECT * FROM installs_begun",
        "SELECT * FROM alembic_version",
        "INSERT INTO tenants (id, name, currency, rules) VALUES (7, 'x', 'USD', '{}')",
        "DELETE FROM tenants",
        "DELETE FROM audit_lines",
        "UPDATE audit_lines SET actor = 'somebody else'",
        "TRUNCATE orders",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON orders USING (true)",
    ],
)
def test_a_shop_may_do_no_more_than_work(login, acme, statement):
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        database.transaction(login, acme.tenant) as session,
    ):
        session.execute(text(statement))


def test_a_row_of_another_shop_cannot_be_pointed_at(login, acme, other):
    """Foreign keys look past the wall; that they begin with the tenant is what holds here."""
    theirs = other.one("SELECT min(id) FROM orders")

    with pytest.raises(IntegrityError), database.transaction(login, acme.tenant) as session:
        session.execute(
            text(
                "INSERT INTO holds (tenant_id, order_id, kind, reason, set_by) VALUES (:mine, :theirs, 'operator', '', '')"
            ),
            {"mine": acme.tenant, "theirs": theirs},
        )


# ------------------------------------------------------------------------------------------- nobody's transaction


def test_a_transaction_that_says_no_tenant_sees_nothing_and_adds_nothing(login, other):
    for told in ("", "SET LOCAL packline.tenant = ''"):
        with login.connect() as connection:
            connection.execute(text("SET LOCAL ROLE packline_shop"))
            if told:
                connection.execute(text(told))
            for table in METADATA.sorted_tables:
                if walls.column_of(table):
                    assert connection.execute(text(f"SELECT count(*) FROM {table.name}")).scalar_one() == 0, table.name
            with pytest.raises(ProgrammingError, match="row-level security"):
                connection.execute(
                    text("INSERT INTO audit_lines (tenant_id, actor, surface, act) VALUES (1, 'x', 'x', 'x')")
                )


def test_a_raw_connection_has_no_right_to_any_table(login, other):
    names = [*METADATA.tables, "alembic_version"]
    refused = []
    for name in names:
        with login.connect() as connection:
            try:
                connection.execute(text(f"SELECT 1 FROM {name}"))
            except ProgrammingError as error:
                refused.append(type(error.orig))

    assert refused == [psycopg.errors.InsufficientPrivilege] * len(names)


def test_a_pool_s_connection_remembers_nobody(login, acme, other):
    nobody = (make_url(str(login.url)).username, "")
    assert standing(login) == nobody

    with database.transaction(login, acme.tenant) as session:
        assert session.execute(text("SELECT current_user, current_setting('packline.tenant')")).one() == (
            "packline_shop", str(acme.tenant),
        )  # fmt: skip
    assert standing(login) == nobody  # after a commit

    with pytest.raises(LookupError), database.transaction(login, acme.tenant) as session:
        raise LookupError(session.execute(text("SELECT count(*) FROM orders")).scalar_one())
    assert standing(login) == nobody  # after a rollback

    with pytest.raises(DBAPIError), database.transaction(login, acme.tenant) as session:
        session.execute(text("SELECT 1 / 0"))
    assert standing(login) == nobody  # after an error of the database's own

    with database.across_tenants(login, why="test") as session:
        assert session.execute(text("SELECT current_user")).scalar_one() == "packline_house"
    assert standing(login) == nobody
    assert seen(login, acme.tenant)["tenants"] == {acme.tenant}


def test_a_statement_that_was_prepared_for_one_shop_shows_the_next_its_own(login, acme, other):
    """psycopg prepares the sixth use of a statement, PostgreSQL then plans it for any value."""
    forgetful = text("SELECT name FROM tenants")
    for _ in range(12):
        for shop, name in ((acme, "Acme"), (other, "Other")):
            with database.transaction(login, shop.tenant) as session:
                assert session.scalars(forgetful).all() == [name]
        with database.across_tenants(login, why="test") as session:
            assert set(session.scalars(forgetful)) == {"Acme", "Other"}


@pytest.mark.parametrize(
    ("wanted", "statement"),
    [
        ("lane", "SELECT id FROM jobs WHERE tenant_id = 1 AND lane = 'order/1' AND state = 'done'"),
        ("subject", "SELECT id FROM jobs WHERE tenant_id = 1 AND subject = 'order/1' AND kind <> 'take_event'"),
        ("name", "SELECT id FROM orders WHERE tenant_id = 1 AND name = ANY(ARRAY['#1', '1'])"),
        ("email_as_searched", "SELECT id FROM orders WHERE tenant_id = 1 AND email_as_searched = 'ada@example.com'"),
        ("buyer_as_searched", "SELECT id FROM orders WHERE tenant_id = 1 AND buyer_as_searched ~>=~ 'z2'"),
        ("bare_remote_id", "SELECT id FROM orders WHERE tenant_id = 1 AND bare_remote_id = '1'"),
        ("id", "UPDATE jobs SET lease_until = now() WHERE tenant_id = 1 AND id = 7"),
    ],
)  # fmt: skip
def test_an_index_serves_behind_the_wall_as_before_it(engine, acme, wanted, statement):
    assert acme.tenant == 1
    with engine.connect() as connection, connection.begin() as undone:
        connection.execute(text(_MANY_ORDERS), {"connection": acme.connection})
        connection.execute(text(_MANY_JOBS))
        connection.execute(text("ANALYZE orders, jobs"))
        connection.execute(
            text("SELECT set_config('role', 'packline_shop', true), set_config('packline.tenant', '1', true)")
        )
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {statement}")))
        undone.rollback()

    (condition,) = [line for line in plan.splitlines() if "Index Cond" in line]
    assert f"({wanted} " in condition, plan
    assert "tenant_id" in condition, plan
    assert plan.count("One-Time Filter") == 1, plan  # the wall itself is asked once, and not for each row


_MANY_ORDERS = """
INSERT INTO orders (tenant_id, connection_id, remote_id, name, email, ship_to)
SELECT 1, :connection, 'shop/Order/' || n, '#' || n, 'ada' || n || '@example.com',
       jsonb_build_object('name', chr(65 + n % 26) || n)
FROM generate_series(1, 3000) n
"""
_MANY_JOBS = """
INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank, state)
SELECT 1, 'verify_order', 'order/' || n, 'order/' || n, 'orders', 1, 'done' FROM generate_series(1, 3000) n
"""


# ------------------------------------------------------------------------------------------- the house


def test_the_house_sees_every_shop_and_says_why(login, acme, other, monkeypatch):
    monkeypatch.setattr(database, "log", said := Said())
    before = database.ACROSS.labels("a test")._value.get()

    with database.across_tenants(login, why="a test") as session:
        assert set(session.scalars(text("SELECT id FROM tenants"))) == {acme.tenant, other.tenant}
        assert users.is_anybody_there(session) is False
    with database.across_tenants(login, why="a test", by="person:Grace"):
        pass

    assert said.lines == [
        {"event": "looks across shops", "level": "debug", "why": "a test"},
        {"event": "looks across shops", "level": "info", "why": "a test", "by": "person:Grace"},
    ]
    assert database.ACROSS.labels("a test")._value.get() == before + 2


# ------------------------------------------------------------------------------------------- the door


def delivery(number: str) -> dict[str, object]:
    return {
        "connection": "store", "vendor": "shopify", "topic": "orders/paid", "delivery_id": number, "occasion": number,
        "body": b"{}", "body_sha256": b"x", "headers": {},
    }  # fmt: skip


def test_the_door_keeps_each_delivery_behind_its_shop_s_wall(login, acme, other):
    door = inbox.Letterbox(login)
    kept = [door.drop(shop.tenant, **delivery(number)) for number in "12" for shop in (acme, other)]
    again = [door.drop(shop.tenant, **delivery("1")) for shop in (other, acme)]
    connection = door._take()
    try:
        standing = connection.execute("SELECT current_user, coalesce(current_setting('packline.tenant', true), '')")
        assert standing.fetchone() == ("packline_shop", "")
        assert connection.execute("SELECT count(*) FROM inbox_events").fetchone() == (0,)
    finally:
        connection.close()

    assert None not in kept
    assert again == [None, None]
    assert acme.rows("SELECT tenant_id, delivery_id, duplicates FROM inbox_events ORDER BY 1, 2") == [
        (acme.tenant, "1", 1), (acme.tenant, "2", 0), (other.tenant, "1", 1), (other.tenant, "2", 0),
    ]  # fmt: skip
    assert acme.rows("SELECT tenant_id, count(*) FROM jobs WHERE kind = 'take_event' GROUP BY 1 ORDER BY 1") == [
        (acme.tenant, 2), (other.tenant, 2),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------- who owns and who logs in


@contextmanager
def database_of(engine: Engine, rights: str) -> Iterator[str]:
    """A database of its own on the same server, with an owner who is no superuser; answers the owner's URL."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE ROLE landlord LOGIN {rights}"))
        connection.execute(text("CREATE ROLE lodger LOGIN"))
        connection.execute(text("CREATE DATABASE house OWNER landlord"))
        try:
            url = engine.url.set(username="landlord", database="house", drivername="postgresql")
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(text("DROP DATABASE house WITH (FORCE)"))
            for role in ("lodger", "landlord", "test_shop", "test_house"):
                connection.execute(text(f"DROP ROLE IF EXISTS {role}"))


@pytest.fixture
def other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles belong to the whole server: under other names they are missing once more."""
    monkeypatch.setattr(walls, "SHOP", "test_shop")
    monkeypatch.setattr(walls, "HOUSE", "test_house")


@contextmanager
def connected(url: str) -> Iterator[Engine]:
    opened = database.connect(url, pool_size=1, role="test")
    try:
        yield opened
    finally:
        opened.dispose()


@pytest.mark.usefixtures("other_names")
def test_an_owner_who_may_make_roles_migrates_and_one_login_for_all_stands_behind_the_wall(engine):
    with database_of(engine, "CREATEROLE") as url, connected(url) as owner:
        assert migrate.is_current(owner) is False
        migrate.upgrade(owner)
        migrate.upgrade(owner)  # the next release
        assert migrate.is_current(owner) is True
        acme, other = open_shop(owner), open_shop(owner, name="Other")

        assert seen(owner, acme.tenant)["tenants"] == {acme.tenant}
        assert seen(owner, other.tenant)["connections"] == {other.tenant}
        with owner.connect() as connection:  # its own tables, and row-level security is forced on it
            assert connection.execute(text("SELECT count(*) FROM tenants")).scalar_one() == 0
            assert walls.login_of(connection) == walls.Login(name="landlord", owns=True, bypasses=False, inherits=False)


@pytest.mark.usefixtures("other_names")
def test_a_login_of_its_own_is_let_behind_the_wall_by_migrating(engine):
    with database_of(engine, "CREATEROLE") as url, connected(url) as owner:
        migrate.upgrade(owner, login="lodger")
        tenant = open_shop(owner).tenant
        open_shop(owner, name="Other")

        with connected(url.replace("landlord", "lodger")) as login:
            assert seen(login, tenant)["tenants"] == {tenant}
            assert migrate.is_current(login) is True
            with login.connect() as connection:
                assert walls.login_of(connection) == walls.Login(
                    name="lodger", owns=False, bypasses=False, inherits=False
                )
                with pytest.raises(ProgrammingError, match="permission denied"):
                    connection.execute(text("SELECT 1 FROM tenants"))


@pytest.mark.usefixtures("other_names")
def test_an_owner_who_may_make_no_roles_is_told_what_a_superuser_has_to_run(engine):
    with database_of(engine, "") as url, connected(url) as owner:
        with pytest.raises(walls.MayNotWall) as refused:
            migrate.upgrade(owner, login="lodger")
        told = str(refused.value)
        assert "permission denied to create role" in told
        assert migrate.is_current(owner) is False

        with engine.begin() as superuser:
            superuser.execute(text(told.partition("\n")[2]))
        migrate.upgrade(owner, login="lodger")

        tenant = open_shop(owner).tenant
        with connected(url.replace("landlord", "lodger")) as login:
            assert seen(login, tenant)["tenants"] == {tenant}


_PARTS_OF_BUNDLES = """
WITH shop AS (INSERT INTO tenants (name, currency, rules) VALUES ('Acme', 'USD', '{}') RETURNING id),
store AS (
    INSERT INTO connections (tenant_id, id, vendor, role, account, live, sealed_secrets)
    SELECT id, 'c', 'none', 'storefront', '', false, '' FROM shop RETURNING tenant_id, id),
placed AS (
    INSERT INTO orders (tenant_id, connection_id, remote_id, state)
    SELECT tenant_id, id, 'o', 'allocated' FROM store RETURNING tenant_id, id),
wanted AS (
    INSERT INTO order_lines (tenant_id, order_id, remote_id, variant_remote_id, sku, title, units, to_ship,
                             unit_price_minor, unit_grams, needs_shipping)
    SELECT tenant_id, id, 'l', 'v', 'SET', 'Set', 1, 1, 100, 100, true FROM placed RETURNING tenant_id, order_id, id)
INSERT INTO reservations (tenant_id, order_id, line_id, variant_id, location_id, shipment_id, units, part)
SELECT tenant_id, order_id, id, variant, 1, 1, 2, variant = 7 FROM wanted, (VALUES (7), (8)) AS things (variant)
"""


@pytest.mark.usefixtures("other_names")
def test_rows_that_a_migration_changes_are_changed_where_their_owner_stands_before_the_wall(engine):
    with database_of(engine, "CREATEROLE") as url, connected(url) as owner:
        up_to(owner, "0021")
        with database.across_tenants(owner, why="test") as session:
            session.execute(text(_PARTS_OF_BUNDLES))

        migrate.upgrade(owner)

        with database.across_tenants(owner, why="test") as session:
            kept = session.execute(text("SELECT variant_id, unsold FROM reservations ORDER BY 1")).all()
    assert kept == [(7, True), (8, False)]


def up_to(owner: Engine, revision: str) -> None:
    """A database of an older release."""
    with owner.begin() as connection:
        walls.stand_roles(connection)
        config = migrate.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_a_server_that_is_too_old_for_the_walls_is_named_before_anything_is_done(engine, monkeypatch):
    monkeypatch.setattr(walls, "NEEDED_VERSION", 990000)
    with database_of(engine, "CREATEROLE") as url, connected(url) as owner:
        with pytest.raises(walls.MayNotWall, match="PostgreSQL 99 or newer is needed"):
            migrate.upgrade(owner)
        with owner.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM pg_class WHERE relname = 'tenants'")).scalar_one() == 0
            assert walls.is_too_old(connection) is True


@pytest.mark.parametrize("statement", ["DELETE FROM audit_lines", "UPDATE audit_lines SET actor = 'somebody else'"])
def test_the_house_only_adds_to_who_did_what(login, acme, other, statement):
    before = other.rows("SELECT * FROM audit_lines")
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        database.across_tenants(login, why="test") as session,
    ):
        session.execute(text(statement))
    assert other.rows("SELECT * FROM audit_lines") == before != []
