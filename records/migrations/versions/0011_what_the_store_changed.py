"""What the store says has changed: each thing once, until it is read; whose product a variant is"""

import sqlalchemy as sa
from alembic import op

from records import walls

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outdated",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("thing", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("told", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("first_told_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connection_id"],
            ["connections.tenant_id", "connections.id"],
            name="fk_outdated_tenant_id_connection_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "connection_id", "thing", "remote_id", name="pk_outdated"),
    )
    for statement in walls.around("outdated"):
        op.execute(statement)
    op.add_column("variants", sa.Column("product_remote_id", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_variants_inventory", "variants", ["tenant_id", "connection_id", "inventory_remote_id"])
    op.create_index("ix_variants_product", "variants", ["tenant_id", "connection_id", "product_remote_id"])
    op.create_index(
        "ix_intentions_stock", "intentions", ["tenant_id", "subject"], postgresql_where=sa.text("kind = 'tell_stock'")
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
