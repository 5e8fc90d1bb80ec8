"""Where goods may not be sent, what a merchant was told of their stock, and units that came back in the store"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from records import walls

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    nothing = sa.text("'{}'::jsonb")
    for column in ("bans", "store_bans"):
        op.add_column("variants", sa.Column(column, postgresql.JSONB(), server_default=nothing, nullable=False))
    op.create_table(
        "stock_letters",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("state", sa.Text(), server_default="due", nullable=False),
        sa.Column("listed", postgresql.JSONB(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_stock_letters"),
    )
    op.create_index(
        "uq_stock_letters_due", "stock_letters", ["tenant_id"], unique=True, postgresql_where=sa.text("state = 'due'")
    )
    op.create_table(
        "stock_alerts",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("variant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("location_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("letter_id", sa.BigInteger(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], name=f"fk_stock_alerts_tenant_id_{column}"
            )
            for column, table in (
                ("variant_id", "variants"), ("location_id", "locations"), ("letter_id", "stock_letters"),
            )
        ),
        sa.PrimaryKeyConstraint("tenant_id", "variant_id", "location_id", "kind", name="pk_stock_alerts"),
    )  # fmt: skip
    op.create_table(
        "returned_units",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("units > 0", name="units_positive"),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", column],
                [f"{table}.tenant_id", f"{table}.id"],
                name=f"fk_returned_units_tenant_id_{column}",
            )
            for column, table in (("order_id", "orders"), ("variant_id", "variants"), ("location_id", "locations"))
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_returned_units"),
    )
    op.create_index("uq_returned_units_remote", "returned_units", ["tenant_id", "order_id", "remote_id"], unique=True)
    op.create_index(
        "ix_returned_units_waiting", "returned_units", ["tenant_id", "variant_id", "location_id"],
        postgresql_where=sa.text("counted_at IS NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_intentions_refund", "intentions", ["tenant_id", "mark"],
        postgresql_where=sa.text("kind = 'refund_in_store'"),
    )  # fmt: skip
    for table in ("stock_letters", "stock_alerts", "returned_units"):
        for statement in walls.around(table):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
