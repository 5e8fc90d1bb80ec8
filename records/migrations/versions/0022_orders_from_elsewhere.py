"""What the store has not sold is told to it: parts of bundles, and the orders that it does not have"""

import sqlalchemy as sa
from alembic import op

from records import walls

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reservations", sa.Column("unsold", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute(f"SET LOCAL ROLE {walls.HOUSE}")  # the wall stands before the tables' owner too, who would see no row
    op.execute("UPDATE reservations SET unsold = true WHERE part")
    op.execute("RESET ROLE")
    op.drop_index("ix_reservations_parts", "reservations")
    op.create_index(
        "ix_reservations_unsold", "reservations", ["tenant_id", "variant_id", "location_id"],
        postgresql_where=sa.text("unsold AND state = 'held'"),
    )  # fmt: skip
    op.drop_index("ix_movements_bundle", "movements")
    op.create_index(
        "ix_movements_unsold", "movements", ["tenant_id", "order_id"],
        postgresql_where=sa.text("reference IN ('bundle', 'elsewhere')"),
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
