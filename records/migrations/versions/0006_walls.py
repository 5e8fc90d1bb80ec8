"""Walls between shops: row-level security around every table, for the two roles that transactions work as"""

from alembic import op

from records import walls

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OF_A_SHOP = (
    "audit_lines", "comparisons", "connections", "findings", "holds", "inbox_events", "intentions", "jobs", "labels",
    "locations", "movements", "order_lines", "orders", "parcel_scans", "parcels", "payments", "privacy_requests",
    "reservations", "reversal_steps", "reversals", "shadow_decisions", "shipment_lines", "shipments", "stock_levels",
    "timeline_entries", "variants",
)  # fmt: skip


def upgrade() -> None:
    _make_searches_plain()
    for table in _OF_A_SHOP:
        _run(*walls.around(table))
    _run(*walls.around("tenants", "id"))
    _run(*walls.around("users", ""))
    _run(*walls.around("installs_begun", ""))
    _run(
        f"GRANT USAGE ON SCHEMA public TO {walls.SHOP}, {walls.HOUSE}",
        f"GRANT SELECT ON alembic_version TO {walls.HOUSE}",
        # For pg_dump, which reads where each numbering stands. Identity columns ask for no right to be numbered.
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {walls.HOUSE}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO {walls.HOUSE}",
        # A later table is open to the house at once, and to shops when its wall stands (walls.around).
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {walls.HOUSE}",
    )


def _make_searches_plain() -> None:
    """Behind a wall no index serves a condition that calls a function: what is searched for gets columns."""
    _run(
        "DROP INDEX ix_orders_email, ix_orders_buyer, ix_orders_bare_id",
        "ALTER TABLE orders"
        " ADD COLUMN email_as_searched text GENERATED ALWAYS AS (lower(email)) STORED,"
        " ADD COLUMN buyer_as_searched text GENERATED ALWAYS AS (lower(ship_to ->> 'name')) STORED,"
        " ADD COLUMN bare_remote_id text GENERATED ALWAYS AS (split_part(remote_id, '/', -1)) STORED",
        "CREATE INDEX ix_orders_email ON orders (tenant_id, email_as_searched)",
        "CREATE INDEX ix_orders_buyer ON orders (tenant_id, buyer_as_searched text_pattern_ops)",
        "CREATE INDEX ix_orders_bare_id ON orders (tenant_id, bare_remote_id)",
    )


def _run(*statements) -> None:
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
