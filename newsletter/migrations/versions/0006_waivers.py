"""Findings that somebody let pass, and whose language was told from the text."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "bulletin",
        sa.Column(
            "language_guessed", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.create_table(
        "waiver",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("bulletin_id", _BIG, nullable=False),
        sa.Column("finding_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("by_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("by", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletin.id"], name=op.f("fk_waiver_bulletin_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
    )
    op.create_index("waiver_once", "waiver", ["bulletin_id", "finding_index"], unique=True)


_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
