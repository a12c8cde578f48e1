"""Events: hard bounces that wait for a person, and what providers were asked."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hard_bounce",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pile", sa.String(length=24), nullable=False),
        sa.Column("address_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("host_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hard_bounce")),
    )
    with op.batch_alter_table("hard_bounce", schema=None) as batch_op:
        batch_op.create_index(
            "hard_bounce_held",
            ["id"],
            unique=False,
            postgresql_where=sa.text("state = 2"),
            sqlite_where=sa.text("state = 2"),
        )
        batch_op.create_index("hard_bounce_of_address", ["address_index"], unique=False)
        batch_op.create_index("hard_bounce_once", ["pile", "address_index"], unique=True)

    op.create_table(
        "log_search",
        sa.Column(
            "delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("searches", sa.SmallInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_log_search")),
    )
    op.create_table(
        "provider_look",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=10), nullable=False),
        sa.Column("succeeded_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "subject", name=op.f("pk_provider_look")),
    )
