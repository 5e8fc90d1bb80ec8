"""Out of stock, the buyer chooses: what they were asked and answered, and what they were written"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from records import walls

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_EMPTY = {"server_default": "", "nullable": False}


def upgrade() -> None:
    op.create_table(
        "choices",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("short", postgresql.JSONB(), nullable=False),
        sa.Column("unanswered", sa.Text(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("rest", sa.Text(), **_EMPTY),
        sa.Column("link_version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.Text(), **_EMPTY),
        sa.Column("reason", sa.Text(), **_EMPTY),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_choices_tenant_id_order_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_choices"),
    )
    op.create_index("ix_choices_order", "choices", ["tenant_id", "order_id", "id"])
    op.create_index(
        "uq_choices_open", "choices", ["tenant_id", "order_id"], unique=True,
        postgresql_where=sa.text("state IN ('asked', 'reminded')"),
    )  # fmt: skip
    op.create_table(
        "notices",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), server_default="email", nullable=False),
        sa.Column("state", sa.Text(), server_default="due", nullable=False),
        sa.Column("address", sa.Text(), **_EMPTY),
        sa.Column("title", sa.Text(), **_EMPTY),
        sa.Column("words", sa.Text(), **_EMPTY),
        sa.Column("reason", sa.Text(), **_EMPTY),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name="fk_notices_tenant_id_order_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_notices"),
    )
    op.create_index("uq_notices_fact", "notices", ["tenant_id", "subject", "fact", "channel"], unique=True)
    op.create_index("ix_notices_order", "notices", ["tenant_id", "order_id"])
    for table in ("choices", "notices"):
        for statement in walls.around(table):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
