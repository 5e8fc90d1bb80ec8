"""Bundles: what they are put together from, and reservations of the parts"""

import sqlalchemy as sa
from alembic import op

from records import walls

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bundle_parts",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bundle_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("units > 0", name="units_positive"),
        sa.CheckConstraint("bundle_id <> part_id", name="not_of_itself"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bundle_id"], ["variants.tenant_id", "variants.id"], name="fk_bundle_parts_tenant_id_bundle_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "part_id"], ["variants.tenant_id", "variants.id"], name="fk_bundle_parts_tenant_id_part_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "bundle_id", "part_id", name="pk_bundle_parts"),
    )
    op.create_index("ix_bundle_parts_part", "bundle_parts", ["tenant_id", "part_id"])
    for statement in walls.around("bundle_parts"):
        op.execute(statement)
    op.add_column("reservations", sa.Column("each", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("reservations", sa.Column("part", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_check_constraint("each_positive", "reservations", '"each" > 0')
    op.drop_index("uq_reservations_held", "reservations")
    op.create_index(
        "uq_reservations_held", "reservations", ["tenant_id", "line_id", "shipment_id", "variant_id"], unique=True,
        postgresql_where=sa.text("state = 'held'"),
    )  # fmt: skip
    op.create_index(
        "ix_reservations_parts", "reservations", ["tenant_id", "variant_id", "location_id"],
        postgresql_where=sa.text("part AND state = 'held'"),
    )  # fmt: skip
    op.create_index(
        "ix_movements_bundle", "movements", ["tenant_id", "order_id"], postgresql_where=sa.text("reference = 'bundle'")
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
