"""What is taken back of an order, and what was compared with the vendors"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('comparisons',
    sa.Column('tenant_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('connection_id', sa.Text(), nullable=False),
    sa.Column('job_id', sa.BigInteger(), nullable=True),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), server_default='wanted', nullable=False),
    sa.Column('looked_at', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['tenant_id', 'connection_id'], ['connections.tenant_id', 'connections.id'], name=op.f('fk_comparisons_tenant_id_connection_id')),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_comparisons'))
    )
    op.create_index('ix_comparisons_connection', 'comparisons', ['tenant_id', 'connection_id', 'scope', 'id'], unique=False)
    op.create_index('ix_comparisons_job', 'comparisons', ['tenant_id', 'job_id'], unique=False)
    op.create_table('findings',
    sa.Column('tenant_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('comparison_id', sa.BigInteger(), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=True),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('sentence', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id', 'comparison_id'], ['comparisons.tenant_id', 'comparisons.id'], name=op.f('fk_findings_tenant_id_comparison_id')),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_findings'))
    )
    op.create_index('ix_findings_comparison', 'findings', ['tenant_id', 'comparison_id', 'id'], unique=False)
    op.create_index('ix_findings_order', 'findings', ['tenant_id', 'order_id', 'id'], unique=False)
    op.create_index('ix_findings_subject', 'findings', ['tenant_id', 'subject', 'id'], unique=False)
    op.create_table('reversals',
    sa.Column('tenant_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), server_default='under_way', nullable=False),
    sa.Column('wanted', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('asked_by', sa.Text(), nullable=False),
    sa.Column('refund', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('tell_buyer', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['tenant_id', 'order_id'], ['orders.tenant_id', 'orders.id'], name=op.f('fk_reversals_tenant_id_order_id')),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_reversals'))
    )
    op.create_index('ix_reversals_order', 'reversals', ['tenant_id', 'order_id'], unique=False)
    op.create_index('uq_reversals_under_way', 'reversals', ['tenant_id', 'order_id'], unique=True, postgresql_where=sa.text("state = 'under_way'"))
    op.create_table('reversal_steps',
    sa.Column('tenant_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('reversal_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('remote_id', sa.Text(), server_default='', nullable=False),
    sa.Column('units', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.Text(), server_default='', nullable=False),
    sa.Column('state', sa.Text(), server_default='due', nullable=False),
    sa.Column('said', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['tenant_id', 'reversal_id'], ['reversals.tenant_id', 'reversals.id'], name=op.f('fk_reversal_steps_tenant_id_reversal_id')),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_reversal_steps'))
    )
    op.create_index('uq_reversal_steps_position', 'reversal_steps', ['tenant_id', 'reversal_id', 'position'], unique=True)
    op.add_column('connections', sa.Column('token_expires_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('connections', sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('connections', sa.Column('remarks', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False))
    op.add_column('connections', sa.Column('hooks_seen', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False))
    op.add_column('intentions', sa.Column('mark', sa.Text(), server_default=sa.text('(gen_random_uuid())::text'), nullable=False))
    op.add_column('intentions', sa.Column('renewals', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('intentions', sa.Column('keyed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False))
    op.add_column('labels', sa.Column('void_refusals', sa.BigInteger(), server_default='0', nullable=False))
    # What a carrier says of a label that was replaced is found by it.
    op.create_index('ix_labels_tracking', 'labels', ['tenant_id', 'tracking_code'], unique=False)
    op.create_index('ix_labels_tracker', 'labels', ['tenant_id', 'tracker_ref'], unique=False)
    # A label that is being given back is no longer the one that its parcel travels with: another may be bought.
    op.drop_index('uq_labels_one_live_a_parcel', 'labels')
    op.create_index('uq_labels_one_live_a_parcel', 'labels', ['tenant_id', 'parcel_id'], unique=True, postgresql_where=sa.text("state IN ('intended', 'bought')"))
    op.execute("UPDATE jobs SET kind = 'reverse_order' WHERE kind = 'cancel_order'")


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
