"""Issues that a provider gets before their time and holds until then."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hand_over",
        sa.Column("issue_id", _BIG, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("batch_id", sa.String(length=100), nullable=False),
        sa.Column("send_at", sa.BigInteger(), nullable=False),
        sa.Column("stop", sa.SmallInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("takes_slot", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_hand_over_issue_id")),
        sa.PrimaryKeyConstraint("issue_id", name=op.f("pk_hand_over")),
    )


_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
