"""The walls between shops, as PostgreSQL keeps them: two roles, and what each of them sees of every table.

The first wall is that every query names its tenant. This one stands behind it, for the query that forgets: a
transaction works as one of two roles that can log in nowhere, and row-level security hides from the shop's role every
row of another tenant. The login behind both has no right of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.exc import ProgrammingError

# A transaction for one tenant works as the shop; one that must see every tenant, and says why, as the house.
SHOP, HOUSE = "packline_shop", "packline_house"
# The transaction's own word for whose it is. Nobody's, where it is not said: then nothing is seen.
TENANT = "packline.tenant"

# What only the house opens, each with its reason.
HOUSE_ONLY = {
    "users": "people sign in before anybody knows which shop they will look at",
    "installs_begun": "the store that is being installed is no tenant yet",
}
# GRANT … WITH INHERIT FALSE, SET TRUE came with it: https://www.postgresql.org/docs/16/release-16.html
NEEDED_VERSION = 160000
_EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
# What a shop may do with a table, where it may not do everything.
_SHOP_MAY = {
    "tenants": "SELECT, UPDATE",  # the house adds shops
    "audit_lines": "SELECT, INSERT",  # who did what is only ever added to
}
_HOUSE_MAY = {"audit_lines": "SELECT, INSERT"}


class MayNotWall(Exception):
    """Whoever migrates may not raise the walls; the message says who may, and what they have to run."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One policy of one table: which rows a role sees, changes and adds."""

    table: str
    role: str
    rows: str
    """As PostgreSQL prints the condition."""


def column_of(table: Table) -> str:
    """Which column says whose a row is; empty where the table is the house's alone."""
    if table.name in HOUSE_ONLY:
        return ""
    return "id" if table.name == "tenants" else "tenant_id"


def policies(metadata: MetaData) -> frozenset[Policy]:
    """Every policy that has to stand, and no other."""
    house = {Policy(table=name, role=HOUSE, rows="true") for name in metadata.tables}
    shop = {
        Policy(table=table.name, role=SHOP, rows=_as_printed(column))
        for table in metadata.tables.values()
        if (column := column_of(table))
    }
    return frozenset(house | shop)


def missing(connection: Connection, metadata: MetaData) -> list[str]:
    """What is not as it has to be: tables without row-level security, policies too few and too many."""
    found = {Policy(table=row.tablename, role=row.role, rows=row.qual) for row in connection.execute(_POLICIES)}
    wanted = policies(metadata)
    return [
        *(f"{table}: row-level security is off" for table in connection.scalars(_UNWALLED)),
        *(f"{one.table}: the policy for {one.role} is missing" for one in sorted(wanted - found, key=str)),
        *(f"{one.table}: a policy for {one.role} lets {one.rows} pass" for one in sorted(found - wanted, key=str)),
    ]


_POLICIES = text("""
SELECT tablename, unnest(roles) AS role,
       CASE WHEN cmd = 'ALL' AND permissive = 'PERMISSIVE' AND with_check IS NULL THEN qual
            ELSE concat_ws(' ', permissive, cmd, qual, with_check) END AS qual
FROM pg_policies WHERE schemaname = current_schema()
""")
_UNWALLED = text("""
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname <> 'alembic_version'
  AND NOT (relrowsecurity AND relforcerowsecurity)
ORDER BY 1
""")


@dataclass(frozen=True, kw_only=True)
class Login:
    """Whoever this process logged in as, and what it could do without taking one of the two roles."""

    name: str
    owns: bool
    bypasses: bool
    inherits: bool


def login_of(connection: Connection) -> Login:
    return Login(**connection.execute(_LOGIN, {"house": HOUSE}).one()._mapping)  # noqa: SLF001 - its public name


_LOGIN = text("""
SELECT rolname AS name, rolsuper OR rolbypassrls AS bypasses,
       EXISTS (SELECT 1 FROM pg_roles house WHERE house.rolname = :house
               AND pg_has_role(pg_roles.oid, house.oid, 'USAGE')) AS inherits,
       EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
               AND pg_has_role(pg_roles.oid, relowner, 'USAGE')) AS owns
FROM pg_roles WHERE rolname = session_user
""")


def is_too_old(connection: Connection) -> bool:
    """Whether the server cannot let a login take a role without giving it the role's rights."""
    found: int = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
    return found < NEEDED_VERSION


def around(table: str, column: str = "tenant_id") -> tuple[str, ...]:
    """The statements that wall a table in, for the migration that makes it; no `column`: it is the house's alone."""
    raised = (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",  # for its owner too, who may be the login of web and workers
        f"CREATE POLICY house ON {table} TO {HOUSE} USING (true)",
        f"GRANT {_HOUSE_MAY.get(table, _EVERYTHING)} ON {table} TO {HOUSE}",
    )
    if not column:
        return raised
    return (
        *raised,
        f"CREATE POLICY shop ON {table} TO {SHOP} USING ({_own_rows(column)})",
        f"GRANT {_SHOP_MAY.get(table, _EVERYTHING)} ON {table} TO {SHOP}",
    )


def _own_rows(column: str) -> str:
    # A subquery is worked out once a statement, not once a row, and an index can be searched for its answer.
    return f"{column} = (SELECT nullif(current_setting('{TENANT}', true), '')::bigint)"


def _as_printed(column: str) -> str:
    return f"({column} = ( SELECT (NULLIF(current_setting('{TENANT}'::text, true), ''::text))::bigint AS \"nullif\"))"


def stand_roles(connection: Connection, *, login: str = "") -> None:
    """Make the two roles where they are missing, and let the owner and the `login` of web and workers take them.

    Roles belong to the whole server and are in no dump, so they are looked at whenever the database is migrated.
    Raises MayNotWall.
    """
    if is_too_old(connection):
        raise MayNotWall(f"PostgreSQL {NEEDED_VERSION // 10000} or newer is needed, and this server is older")
    whose = login_of(connection)
    if not (whose.owns or connection.execute(_NO_TABLES).scalar_one()):
        raise MayNotWall(f'"{whose.name}" does not own the tables: DATABASE_OWNER_URL has to name who does')
    try:
        with connection.begin_nested():
            for role in (SHOP, HOUSE):
                connection.execute(text(_MAKE.format(role=role)))
            for who in {connection.execute(text("SELECT current_user")).scalar_one(), login} - {""}:
                _let_take_them(connection, who)
    except ProgrammingError as error:  # the driver's word for "permission denied", and for a login that is not there
        raise MayNotWall(_asked_of_a_superuser(connection, login, str(error.orig).splitlines()[0])) from error


def _let_take_them(connection: Connection, who: str) -> None:
    """By SET ROLE only: whoever inherits from both would see every shop's rows without having said why."""
    quoted = connection.dialect.identifier_preparer.quote_identifier(who)
    for role in (SHOP, HOUSE):
        if not connection.execute(text(_TAKES), {"who": who, "role": role}).scalar_one():
            connection.execute(text(f"GRANT {role} TO {quoted} WITH INHERIT FALSE, SET TRUE"))


_NO_TABLES = text("""
SELECT NOT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r')
""")

# Two databases of one server may be migrated in the same moment.
_MAKE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""

_TAKES = """
SELECT EXISTS (
    SELECT 1 FROM pg_roles WHERE rolname = :who
      AND (rolsuper OR (pg_has_role(oid, cast(:role AS name), 'SET')
                        AND NOT pg_has_role(oid, cast(:role AS name), 'USAGE'))))
"""


def _asked_of_a_superuser(connection: Connection, login: str, said: str) -> str:
    owner = connection.execute(text("SELECT quote_ident(current_user)")).scalar_one()
    takers = ", ".join(dict.fromkeys([owner, login or owner]))
    return (
        f"the tables' owner may not make the roles that keep shops apart ({said}). Give it CREATEROLE, or have "
        f"somebody who may make roles, such as a superuser, run this once, "
        f"then migrate again:\n"
        f"  CREATE ROLE {SHOP} NOLOGIN;\n"
        f"  CREATE ROLE {HOUSE} NOLOGIN;\n"
        f"  GRANT {SHOP}, {HOUSE} TO {takers} WITH INHERIT FALSE, SET TRUE;"
    )
