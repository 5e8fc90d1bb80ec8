"""Suppliers ship what the shop has no stock of: who they are, what they were asked for, and what they sent"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from records import walls

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_EMPTY = {"server_default": "", "nullable": False}


def upgrade() -> None:
    op.create_table(
        "suppliers",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_as_searched", sa.Text(), sa.Computed("lower(name)", persisted=True), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("lead_days", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("lead_days >= 0", name=op.f("ck_suppliers_lead_days_not_negative")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_suppliers"),
    )
    op.create_index(
        "uq_suppliers_name", "suppliers", ["tenant_id", "name_as_searched"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.create_table(
        "supplied_variants",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("variant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), **_EMPTY),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("cost_minor >= 0", name=op.f("ck_supplied_variants_cost_not_negative")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"],
            name="fk_supplied_variants_tenant_id_variant_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supplier_id"], ["suppliers.tenant_id", "suppliers.id"],
            name="fk_supplied_variants_tenant_id_supplier_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "variant_id", name="pk_supplied_variants"),
    )  # fmt: skip
    op.create_index("ix_supplied_variants_supplier", "supplied_variants", ["tenant_id", "supplier_id"])
    op.create_table(
        "purchase_orders",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="written", nullable=False),
        sa.Column("ship_to", postgresql.JSONB(), nullable=True),
        sa.Column("link_version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), **_EMPTY),
        sa.Column("reason", sa.Text(), **_EMPTY),
        sa.Column("settled", sa.Text(), **_EMPTY),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_purchase_orders_tenant_id_order_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "supplier_id"], ["suppliers.tenant_id", "suppliers.id"],
            name="fk_purchase_orders_tenant_id_supplier_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_purchase_orders"),
    )  # fmt: skip
    op.create_index("ix_purchase_orders_order", "purchase_orders", ["tenant_id", "order_id"])
    op.create_index("ix_purchase_orders_supplier", "purchase_orders", ["tenant_id", "supplier_id", "id"])
    op.create_index("ix_purchase_orders_state", "purchase_orders", ["tenant_id", "state", "id"])
    op.create_table(
        "purchase_order_lines",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("purchase_order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("units > 0", name=op.f("ck_purchase_order_lines_units_positive")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "purchase_order_id"], ["purchase_orders.tenant_id", "purchase_orders.id"],
            name="fk_purchase_order_lines_tenant_id_purchase_order_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"],
            name="fk_purchase_order_lines_tenant_id_line_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "purchase_order_id", "line_id", name="pk_purchase_order_lines"),
    )  # fmt: skip
    op.alter_column("shipments", "location_id", existing_type=sa.BigInteger(), nullable=True)
    op.add_column("shipments", sa.Column("purchase_order_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_shipments_tenant_id_purchase_order_id", "shipments", "purchase_orders",
        ["tenant_id", "purchase_order_id"], ["tenant_id", "id"],
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_shipments_leaves_one_place"), "shipments", "(location_id IS NULL) <> (purchase_order_id IS NULL)"
    )
    for table in ("suppliers", "supplied_variants", "purchase_orders", "purchase_order_lines"):
        for statement in walls.around(table):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
