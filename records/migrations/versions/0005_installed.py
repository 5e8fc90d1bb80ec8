"""What a store that installs Packline needs: granted tokens, shadow mode, privacy, roles and who did what"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table('audit_lines',
    sa.Column('tenant_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('surface', sa.Text(), nullable=False),
    sa.Column('act', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), server_default='', nullable=False),
    sa.Column('address', sa.Text(), server_default='', nullable=False),
    sa.Column('outcome', sa.Text(), server_default='', nullable=False),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_audit_lines'))
    )
    op.create_index('ix_audit_lines_at', 'audit_lines', ['tenant_id', 'at'], unique=False)
    op.create_table('installs_begun',
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('state', name=op.f('pk_installs_begun'))
    )
    op.create_index('ix_installs_begun_expires_at', 'installs_begun', ['expires_at'], unique=False)
    op.create_table('privacy_requests',
    sa.Column('tenant_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('remote_id', sa.Text(), nullable=False),
    sa.Column('wanted', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('state', sa.Text(), server_default='due', nullable=False),
    sa.Column('found', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('sealed_export', sa.LargeBinary(), nullable=True),
    sa.Column('export_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_privacy_requests'))
    )
    op.create_index('ix_privacy_requests_state', 'privacy_requests', ['tenant_id', 'state', 'created_at'], unique=False)
    op.create_index('uq_privacy_requests_demand', 'privacy_requests', ['tenant_id', 'kind', 'remote_id'], unique=True)
    op.create_table('shadow_decisions',
    sa.Column('tenant_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('act', sa.Text(), nullable=False),
    sa.Column('sentence', sa.Text(), nullable=False),
    sa.Column('decided', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('merchant_did', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('compared_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id', 'order_id'], ['orders.tenant_id', 'orders.id'], name=op.f('fk_shadow_decisions_tenant_id_order_id')),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_shadow_decisions'))
    )
    op.create_index('ix_shadow_decisions_at', 'shadow_decisions', ['tenant_id', 'created_at'], unique=False)
    op.create_index('uq_shadow_decisions_key', 'shadow_decisions', ['tenant_id', 'order_id', 'key'], unique=True)
    op.add_column('connections', sa.Column('granted_by', sa.Text(), server_default='key', nullable=False))
    op.add_column('connections', sa.Column('scopes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False))
    op.add_column('connections', sa.Column('remote_account_id', sa.Text(), server_default='', nullable=False))
    op.add_column('connections', sa.Column('renewal_expires_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('connections', sa.Column('renewing_until', sa.DateTime(timezone=True), nullable=True))
    op.add_column('connections', sa.Column('renewing_by', sa.Text(), server_default='', nullable=False))
    op.add_column('connections', sa.Column('consent_wanted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('tenants', sa.Column('mode', sa.Text(), server_default='live', nullable=False))
    op.add_column('tenants', sa.Column('went_live_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('tenants', sa.Column('setup', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False))
    op.add_column('tenants', sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('tenants', sa.Column('redact_after', sa.DateTime(timezone=True), nullable=True))
    op.add_column('tenants', sa.Column('redacted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('users', sa.Column('role', sa.Text(), server_default='admin', nullable=False))
    op.add_column('users', sa.Column('tenant_id', sa.BigInteger(), nullable=True))
    op.add_column('users', sa.Column('sealed_totp', sa.LargeBinary(), nullable=True))
    op.add_column('users', sa.Column('totp_used_at', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('users', sa.Column('session_epoch', sa.BigInteger(), server_default='0', nullable=False))



def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
