"""What is out of stock is swapped for another variant, once the store has edited its order"""

import sqlalchemy as sa
from alembic import op

from records import walls

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "swaps",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("choice_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("line_units", sa.BigInteger(), nullable=True),
        sa.Column("variant_units", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("units > 0", name="units_positive"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_swaps_tenant_id_order_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "choice_id"], ["choices.tenant_id", "choices.id"], name="fk_swaps_tenant_id_choice_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"], ["order_lines.tenant_id", "order_lines.id"], name="fk_swaps_tenant_id_line_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"], name="fk_swaps_tenant_id_variant_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_swaps"),
    )
    op.create_index("ix_swaps_order", "swaps", ["tenant_id", "order_id", "id"])
    op.create_index(
        "uq_swaps_asked", "swaps", ["tenant_id", "line_id"], unique=True, postgresql_where=sa.text("state = 'asked'")
    )
    for statement in walls.around("swaps"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
