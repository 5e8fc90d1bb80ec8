"""An honest promise: when an order leaves and arrives, and which places could not send it"""

import sqlalchemy as sa
from alembic import op

from records import walls

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("orders", "shipments"):
        op.add_column(table, sa.Column("ship_by", sa.DateTime(timezone=True), nullable=True))
        op.add_column(table, sa.Column("arrives_on", sa.Date(), nullable=True))
    op.add_column("shipments", sa.Column("arrival_said_by", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "refusals",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("shipment_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"], name="fk_refusals_tenant_id_line_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"], name="fk_refusals_tenant_id_location_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_refusals_tenant_id_order_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_refusals"),
    )
    op.create_index(
        "uq_refusals_line", "refusals", ["tenant_id", "order_id", "line_id", "location_id", "shipment_id"], unique=True
    )
    for statement in walls.around("refusals"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
