"""Fair shares: of each queue, each tenant's oldest job first"""

from alembic import op
import sqlalchemy as sa

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('ix_jobs_due', 'jobs')
    op.create_index('ix_jobs_due', 'jobs', ['queue', 'tenant_id', 'due_at'], unique=False, postgresql_where=sa.text("state = 'due'"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
