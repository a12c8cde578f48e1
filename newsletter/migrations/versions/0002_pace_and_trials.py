"""Pace that adapts, a breaker, and the first hundred of an issue."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trial",
        sa.Column("issue_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_trial_issue_id")),
        sa.PrimaryKeyConstraint("issue_id", name=op.f("pk_trial")),
    )
    # Nothing has used it so far.
    op.drop_table("pace")
    op.create_table(
        "pace",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("per_second", sa.Integer(), nullable=True),
        sa.Column("recovers_to", sa.Integer(), nullable=True),
        sa.Column("hold_until", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("month", sa.Date(), nullable=True),
        sa.Column("used_month", sa.Integer(), server_default="0", nullable=False),
        sa.Column("breaker_until", sa.BigInteger(), nullable=True),
        sa.Column("doubts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_pace")),
    )
