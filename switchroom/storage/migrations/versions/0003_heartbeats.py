"""Each server's last proof that the database can be written."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("server", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_heartbeats"),
    )


def downgrade() -> None:
    op.drop_table("heartbeats")
