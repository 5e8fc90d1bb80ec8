"""Couriers of a merchant's own bring shipments; suppliers may be told of purchase orders over a wire"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from records import walls

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_EMPTY = {"server_default": "", "nullable": False}


def upgrade() -> None:
    op.create_table(
        "couriers",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), **_EMPTY),
        sa.Column("email", sa.Text(), **_EMPTY),
        sa.Column("locations", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("radius_km", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("most_grams", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("cut_off", sa.Time(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "radius_km > 0 AND price_minor >= 0 AND most_grams > 0 AND days >= 0", name=op.f("ck_couriers_in_measure")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_couriers"),
    )
    op.create_index(
        "ix_couriers_living", "couriers", ["tenant_id", "id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    for statement in walls.around("couriers"):
        op.execute(statement)
    op.add_column("shipments", sa.Column("courier", postgresql.JSONB(), nullable=True))
    op.add_column(
        "shipments", sa.Column("by_carrier", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("suppliers", sa.Column("hook_url", sa.Text(), **_EMPTY))
    op.add_column("suppliers", sa.Column("sealed_hook_secret", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
