"""The ledger's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agent_presence",
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("contact_id", sa.String),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("agent_id", name="pk_agent_presence"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("token_hash", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_api_tokens"),
    )
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.String, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("caller", sa.String, nullable=False),
        sa.Column("brand", sa.String),
        sa.Column("customer_id", sa.Integer()),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("language", sa.String),
        sa.Column("flow", sa.String),
        sa.Column("flow_version", sa.String),
        sa.Column("path", sa.JSON(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("collected", sa.JSON(), nullable=False),
        sa.Column("queue", sa.String),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("agent_id", sa.String),
        sa.Column("visits", sa.JSON(), nullable=False),
        sa.Column("talks", sa.JSON(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True)),
        sa.Column("offered_at", sa.DateTime(timezone=True)),
        sa.Column("popped_at", sa.DateTime(timezone=True)),
        sa.Column("shown_at", sa.DateTime(timezone=True)),
        sa.Column("ringing_at", sa.DateTime(timezone=True)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String),
        sa.Column("ticket_id", sa.Integer()),
        sa.Column("disposition", sa.String),
        sa.PrimaryKeyConstraint("contact_id", name="pk_contacts"),
    )
    op.create_index("ix_contacts_agent_id", "contacts", ["agent_id", "entered_at"])
    op.create_index("ix_contacts_customer_id", "contacts", ["customer_id", "entered_at"])
    op.create_index("ix_contacts_entered_at", "contacts", ["entered_at"])
    op.create_index("ix_contacts_outcome", "contacts", ["outcome"])
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("language", sa.String),
        sa.Column("email", sa.String),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_table(
        "decisions",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_decisions"),
    )
    op.create_index("ix_decisions_contact_id", "decisions", ["contact_id"])
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_id", sa.String),
        sa.Column("agent_id", sa.String),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
    )
    op.create_index("ix_events_agent_id", "events", ["agent_id", "seq"])
    op.create_index("ix_events_contact_id", "events", ["contact_id"])
    op.create_table(
        "recordings",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("contact_id", sa.String, nullable=False),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("left_rms", sa.Float(), nullable=False),
        sa.Column("right_rms", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.UniqueConstraint("path", name="uq_recordings_path"),
    )
    op.create_index("ix_recordings_contact_id", "recordings", ["contact_id"])
    op.create_table(
        "users",
        sa.Column("login", sa.String, nullable=False),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("agent_id", sa.String),
        sa.Column("team", sa.String),
        sa.PrimaryKeyConstraint("login", name="pk_users"),
    )
    op.create_table(
        "customer_phones",
        sa.Column("phone", sa.String, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_customer_phones_customer_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("phone", name="pk_customer_phones"),
    )
    op.create_index("ix_customer_phones_customer_id", "customer_phones", ["customer_id"])
    op.create_table(
        "orders",
        sa.Column("number", sa.String, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("status_zh", sa.String, nullable=False),
        sa.Column("carrier", sa.String),
        sa.Column("eta", sa.String),
        sa.Column("total", sa.String, nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_orders_customer_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_orders"),
    )
    op.create_index("ix_orders_customer_id", "orders", ["customer_id"])
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String, nullable=False),
        sa.Column("login", sa.String, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["users.login"], name="fk_sessions_login", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_login", "sessions", ["login"])
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.String, nullable=False),
        sa.Column("customer_id", sa.Integer()),
        sa.Column("agent_id", sa.String),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("disposition", sa.String),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_tickets_customer_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("contact_id", name="uq_tickets_contact_id"),
    )
    op.create_index("ix_tickets_agent_id", "tickets", ["agent_id"])
    op.create_index("ix_tickets_customer_id", "tickets", ["customer_id"])


def downgrade() -> None:
    for table in (
        "tickets",
        "sessions",
        "orders",
        "customer_phones",
        "users",
        "recordings",
        "events",
        "decisions",
        "customers",
        "contacts",
        "api_tokens",
        "agent_presence",
    ):
        op.drop_table(table)
