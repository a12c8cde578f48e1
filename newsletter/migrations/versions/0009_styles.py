"""The style that a person chose, and the one that a list forces."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriber", sa.Column("style", sa.SmallInteger(), nullable=True))
    op.add_column("mailing_list", sa.Column("style", sa.SmallInteger(), nullable=True))
    op.create_index(
        "subscriber_styled",
        "subscriber",
        ["style"],
        postgresql_where=sa.text("style IS NOT NULL"),
        sqlite_where=sa.text("style IS NOT NULL"),
    )
