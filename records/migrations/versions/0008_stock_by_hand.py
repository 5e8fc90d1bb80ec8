"""Stock by hand: damaged and safety units, what is on its way, and why a person changed a number"""

import sqlalchemy as sa
from alembic import op

from records import walls

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("damaged", "safety"):
        op.add_column("stock_levels", sa.Column(column, sa.BigInteger(), server_default="0", nullable=False))
        op.add_column("movements", sa.Column(f"{column}_change", sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint("set_aside_not_negative", "stock_levels", "damaged >= 0 AND safety >= 0")
    for column in ("reason", "reference"):
        op.add_column("movements", sa.Column(column, sa.Text(), server_default="", nullable=False))
    op.create_table(
        "arrivals",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="expected", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("units > 0", name="units_positive"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"], name="fk_arrivals_tenant_id_location_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"], name="fk_arrivals_tenant_id_variant_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_arrivals"),
    )
    op.create_index(
        "ix_arrivals_expected", "arrivals", ["tenant_id", "variant_id", "location_id"],
        postgresql_where=sa.text("state = 'expected'"),
    )  # fmt: skip
    for statement in walls.around("arrivals"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
