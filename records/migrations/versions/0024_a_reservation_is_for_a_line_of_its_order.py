"""A reservation is for a line of its own order: one reference instead of two that could disagree"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("uq_order_lines_of_order", "order_lines", ["tenant_id", "order_id", "id"], unique=True)
    op.create_foreign_key(
        "fk_reservations_tenant_id_order_id_line_id", "reservations", "order_lines",
        ["tenant_id", "order_id", "line_id"], ["tenant_id", "order_id", "id"],
    )
    op.drop_constraint("fk_reservations_tenant_id_line_id", "reservations", type_="foreignkey")
    op.drop_constraint("fk_reservations_tenant_id_order_id", "reservations", type_="foreignkey")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
