"""Until picking starts an order can go elsewhere, and its buyer has a page for it that can be closed"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from records import walls

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_EMPTY = {"server_default": "", "nullable": False}


def upgrade() -> None:
    op.add_column("orders", sa.Column("link_version", sa.BigInteger(), server_default="1", nullable=False))
    op.create_table(
        "address_changes",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("address", postgresql.JSONB(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), **_EMPTY),
        sa.Column("said", sa.Text(), **_EMPTY),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_address_changes_tenant_id_order_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_address_changes"),
    )
    op.create_index("ix_address_changes_order", "address_changes", ["tenant_id", "order_id", "id"])
    op.create_index(
        "uq_address_changes_asked", "address_changes", ["tenant_id", "order_id"], unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )  # fmt: skip
    for statement in walls.around("address_changes"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
