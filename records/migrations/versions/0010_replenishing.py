"""Replenishing: what is wanted a day, forecasts with their errors, and how things are bought"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from records import walls

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "demand_days",
        *_level("demand_days"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("units > 0", name="units_positive"),
        sa.PrimaryKeyConstraint("tenant_id", "variant_id", "location_id", "day", name="pk_demand_days"),
    )
    op.create_table(
        "forecasts",
        *_level("forecasts"),
        sa.Column("catches", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("begins", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("series_digest", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=True)
            for name in ("per_week_milli", "error_milli", "mae_milli", "bias_milli", "same_mae_milli")
        ),
        *(
            sa.Column(name, postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
            for name in ("tested", "tried")
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("lead_days", "safety_units", "reorder_point")),
        sa.PrimaryKeyConstraint("tenant_id", "variant_id", "location_id", name="pk_forecasts"),
    )
    op.create_table(
        "buying_terms",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("lead_days", sa.BigInteger(), nullable=True),
        sa.Column("pack_units", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("lead_days >= 0 AND pack_units > 0", name="terms_positive"),
        _of("buying_terms", "variant", "variants"),
        sa.PrimaryKeyConstraint("tenant_id", "variant_id", name="pk_buying_terms"),
    )
    for table in ("demand_days", "forecasts", "buying_terms"):
        for statement in walls.around(table):
            op.execute(statement)


def _level(table: str) -> list:
    return [
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        _of(table, "variant", "variants"),
        _of(table, "location", "locations"),
    ]


def _of(table: str, thing: str, things: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", f"{thing}_id"], [f"{things}.tenant_id", f"{things}.id"], name=f"fk_{table}_tenant_id_{thing}_id"
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward only: restore a backup instead")
