"""A level remembers what orders hold there and a count did not find, until they let go of it"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stock_levels", sa.Column("missing", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint("missing_is_promised", "stock_levels", "missing BETWEEN 0 AND reserved")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
