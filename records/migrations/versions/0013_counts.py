"""Counts by sheet and by scan, from the first unit to the levels that were set by them; and repairs found quickly"""

import sqlalchemy as sa
from alembic import op

from records import walls

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counts",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="counting", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"], name="fk_counts_tenant_id_location_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_counts"),
    )
    op.create_index("ix_counts_state", "counts", ["tenant_id", "state", "id"])
    op.create_table(
        "count_lines",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("count_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("movement_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("units >= 0", name="units_not_negative"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "count_id"], ["counts.tenant_id", "counts.id"], name="fk_count_lines_tenant_id_count_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"],
            ["locations.tenant_id", "locations.id"],
            name="fk_count_lines_tenant_id_location_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "variant_id"],
            ["variants.tenant_id", "variants.id"],
            name="fk_count_lines_tenant_id_variant_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_count_lines"),
    )
    op.create_index(
        "uq_count_lines_level", "count_lines", ["tenant_id", "count_id", "variant_id", "location_id"], unique=True
    )
    op.create_index("ix_count_lines_place", "count_lines", ["tenant_id", "count_id", "place", "id"])
    op.create_index(
        "ix_movements_repaired", "movements", ["tenant_id", "id"], postgresql_where=sa.text("cause = 'repaired'")
    )
    op.create_index(
        "ix_arrivals_due", "arrivals", ["tenant_id", "due_on", "id"], postgresql_where=sa.text("state = 'expected'")
    )
    for table in ("counts", "count_lines"):
        for statement in walls.around(table):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
