"""Digital goods: what variants deliver, and what buyers were given; and the days that a thing takes to make"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from records import walls

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def _tenant() -> sa.Column:
    return sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False)


def _number(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=nullable)


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _made(name: str = "created_at") -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _belongs(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{to}.tenant_id", f"{to}.id"], name=f"fk_{table}_tenant_id_{column}"
    )


def upgrade() -> None:
    op.add_column("order_lines", _number("to_deliver", "0"))
    op.create_table(
        "digital_goods",
        _tenant(),
        sa.Column("variant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("sealed_link", sa.LargeBinary(), nullable=True),
        _number("most_openings", "5"),
        _number("days", "30"),
        _made("since"),
        sa.CheckConstraint("most_openings > 0 AND days > 0", name="limits_positive"),
        _belongs("digital_goods", "variant_id", "variants"),
        sa.PrimaryKeyConstraint("tenant_id", "variant_id", name="pk_digital_goods"),
    )
    op.create_table(
        "digital_deliveries",
        _tenant(),
        _id(),
        _number("order_id"),
        sa.Column("link_until", sa.DateTime(timezone=True), nullable=False),
        _number("link_version", "1"),
        _made(),
        sa.Column("fulfillments", postgresql.JSONB(), nullable=True),
        _belongs("digital_deliveries", "order_id", "orders"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_digital_deliveries"),
    )
    op.create_index("ix_digital_deliveries_order", "digital_deliveries", ["tenant_id", "order_id", "id"])
    op.create_table(
        "digital_lines",
        _tenant(),
        _id(),
        _number("delivery_id"),
        _number("line_id"),
        _number("variant_id"),
        sa.Column("kind", sa.Text(), nullable=False),
        _number("units"),
        _number("openings", "0"),
        _number("most_openings", "0"),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("units > 0", name="units_positive"),
        sa.CheckConstraint("openings >= 0 AND openings <= most_openings", name="openings_within_limit"),
        _belongs("digital_lines", "delivery_id", "digital_deliveries"),
        _belongs("digital_lines", "line_id", "order_lines"),
        _belongs("digital_lines", "variant_id", "variants"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_digital_lines"),
    )
    op.create_index("ix_digital_lines_delivery", "digital_lines", ["tenant_id", "delivery_id"])
    op.create_index("ix_digital_lines_line", "digital_lines", ["tenant_id", "line_id"])
    op.create_table(
        "digital_codes",
        _tenant(),
        _id(),
        _number("variant_id"),
        sa.Column("sealed_code", sa.LargeBinary(), nullable=True),
        _number("digital_line_id", nullable=True),
        _made(),
        _belongs("digital_codes", "variant_id", "variants"),
        _belongs("digital_codes", "digital_line_id", "digital_lines"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_digital_codes"),
    )
    op.create_index(
        "ix_digital_codes_free", "digital_codes", ["tenant_id", "variant_id", "id"],
        postgresql_where=sa.text("digital_line_id IS NULL"),
    )  # fmt: skip
    op.create_index("ix_digital_codes_line", "digital_codes", ["tenant_id", "digital_line_id"])
    op.add_column("variants", sa.Column("making_days", sa.BigInteger(), server_default="0", nullable=False))
    for table in ("digital_goods", "digital_deliveries", "digital_lines", "digital_codes"):
        for statement in walls.around(table):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
