"""The ledger's first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
# SQLite's numbers are floating: it keeps the text.
EXACT = sa.Numeric().with_variant(sa.String(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agent_presence",
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("contact_id", sa.String),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("queue", sa.String),
        sa.Column("requested", sa.String),
        sa.Column("requested_reason", sa.String),
        sa.Column("server", sa.String, nullable=False),
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
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("caller", sa.String, nullable=False),
        sa.Column("brand", sa.String),
        sa.Column("customer_id", sa.String),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("language", sa.String),
        sa.Column("flow", sa.String),
        sa.Column("flow_version", sa.String),
        sa.Column("path", JSON, nullable=False),
        sa.Column("inputs", JSON, nullable=False),
        sa.Column("collected", JSON, nullable=False),
        sa.Column("queue", sa.String),
        sa.Column("skills", JSON, nullable=False),
        sa.Column("agent_id", sa.String),
        sa.Column("visits", JSON, nullable=False),
        sa.Column("talks", JSON, nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True)),
        sa.Column("offered_at", sa.DateTime(timezone=True)),
        sa.Column("popped_at", sa.DateTime(timezone=True)),
        sa.Column("shown_at", sa.DateTime(timezone=True)),
        sa.Column("ringing_at", sa.DateTime(timezone=True)),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String),
        sa.Column("ticket_id", sa.String),
        sa.Column("disposition", sa.String),
        sa.Column("server", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_contacts"),
    )
    op.create_index("ix_contacts_customer_id", "contacts", ["customer_id", "entered_at"])
    op.create_index("ix_contacts_entered_at", "contacts", ["entered_at"])
    op.create_index(
        "ix_contacts_open",
        "contacts",
        ["server", "entered_at"],
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "contact_agents",
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("contact_id", sa.String, nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.contact_id"], name="fk_contact_agents_contact_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("agent_id", "contact_id", name="pk_contact_agents"),
    )
    op.create_index("ix_contact_agents_contact_id", "contact_agents", ["contact_id"])
    op.create_index("ix_contact_agents_entered_at", "contact_agents", ["agent_id", "entered_at"])
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("language", sa.String),
        sa.Column("email", sa.String),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("preferences", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("server", sa.String, nullable=False),
        sa.Column("boot", sa.String, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.String),
        sa.Column("agent_id", sa.String),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", "at", name="pk_events"),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_events_agent_id", "events", ["agent_id", "seq"])
    op.create_index("ix_events_contact_id", "events", ["contact_id", "seq"])
    op.create_table(
        "personal_data",
        sa.Column("contact_id", sa.String, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "seq", "at", name="pk_personal_data"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (at)",
    )
    head = op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0}])
    op.create_table(
        "heartbeats",
        sa.Column("server", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_heartbeats"),
    )
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("subject_id", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("placed_by", sa.String, nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("released_by", sa.String),
        sa.Column("released_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_legal_holds"),
    )
    op.create_index("ix_legal_holds_subject", "legal_holds", ["subject", "subject_id"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("taken_by", sa.String),
        sa.Column("last_error", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("kind", "key", name="uq_outbox_kind"),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "due_at"])
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
    op.create_index("ix_recordings_created_at", "recordings", ["created_at"])
    op.create_table(
        "audio_owed",
        sa.Column("path", sa.String, nullable=False),
        sa.Column("server", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_audio_owed"),
    )
    op.create_index("ix_audio_owed_server", "audio_owed", ["server"])
    op.create_table(
        "retention_runs",
        sa.Column("server", sa.String, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_retention_runs"),
    )
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
        "visit_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("brand", sa.String, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("ending", sa.String, nullable=False),
        sa.Column("within_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.Column("waited_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "brand", "queue", "ending", "within_s", name="pk_visit_days"),
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
        sa.Column("amount", EXACT, nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("items", JSON, nullable=False),
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
        sa.Column("customer_id", sa.String),
        sa.Column("agent_id", sa.String),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("disposition", sa.String),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
    )
    op.create_index("ix_tickets_agent_id", "tickets", ["agent_id"])
    op.create_index("ix_tickets_customer_id", "tickets", ["customer_id"])
    op.create_table(
        "ticket_contacts",
        sa.Column("contact_id", sa.String, nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_ticket_contacts_ticket_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("contact_id", name="pk_ticket_contacts"),
    )
    op.create_index("ix_ticket_contacts_ticket_id", "ticket_contacts", ["ticket_id"])


def downgrade() -> None:
    for table in (
        "contact_agents",
        "ticket_contacts",
        "tickets",
        "sessions",
        "orders",
        "customer_phones",
        "users",
        "recordings",
        "outbox",
        "log_head",
        "heartbeats",
        "events",
        "customers",
        "contacts",
        "api_tokens",
        "agent_presence",
    ):
        op.drop_table(table)
