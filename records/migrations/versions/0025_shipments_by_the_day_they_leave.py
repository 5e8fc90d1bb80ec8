"""A place's shipments are found by the day on which they are to leave: so many a day are all that it sends"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_shipments_leaving", "shipments", ["tenant_id", "location_id", "ship_by"])


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
