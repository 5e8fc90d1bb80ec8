"""What a buyer picks up, or the shop brings itself, leaves its location without a carrier"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shipments", sa.Column("way", sa.Text(), server_default="carried", nullable=False))
    nothing = sa.text("'{}'::jsonb")
    op.add_column("order_lines", sa.Column("by_hand", postgresql.JSONB(), server_default=nothing, nullable=False))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
