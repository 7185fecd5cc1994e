"""What an agent asked for during a call, and the queue of that call, outlive the server."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("queue", "requested", "requested_reason"):
        op.add_column("agent_presence", sa.Column(name, sa.String))
