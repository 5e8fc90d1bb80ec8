"""Where goods may not be sent"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    nothing = sa.text("'{}'::jsonb")
    for column in ("bans", "store_bans"):
        op.add_column("variants", sa.Column(column, postgresql.JSONB(), server_default=nothing, nullable=False))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
