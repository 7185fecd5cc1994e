"""The ledger's tables. Times are UTC; SQLite (one host, embedded) and PostgreSQL (at scale) hold the same."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

from switchroom.storage.columns import JSON, Exact, Utc

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("language", String),
    Column("email", String),
    Column("note", String, nullable=False),
    Column("preferences", JSON, nullable=False),
)

customer_phones = Table(
    "customer_phones",
    metadata,
    Column("phone", String, primary_key=True),
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
)

orders = Table(
    "orders",
    metadata,
    Column("number", String, primary_key=True),
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("status", String, nullable=False),
    Column("status_zh", String, nullable=False),
    Column("carrier", String),
    Column("eta", String),
    Column("amount", Exact, nullable=False),
    Column("currency", String, nullable=False),
    Column("items", JSON, nullable=False),
    Column("placed_at", Utc, nullable=False),
)

# What happened is kept also when the customer is erased: no foreign key from here to the CRM's tables, whose ids are
# text: each CRM has its own. ``server`` is the contact's owner (`switchroom.storage.contacts.after`).
contacts = Table(
    "contacts",
    metadata,
    Column("contact_id", String, primary_key=True),
    Column("channel", String, nullable=False),
    Column("number", String, nullable=False),
    Column("caller", String, nullable=False),
    Column("brand", String),
    Column("customer_id", String),
    Column("tier", String, nullable=False),
    Column("language", String),
    Column("flow", String),
    Column("flow_version", String),
    Column("path", JSON, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("collected", JSON, nullable=False),
    Column("queue", String),
    Column("skills", JSON, nullable=False),
    Column("agent_id", String),
    Column("visits", JSON, nullable=False),
    Column("talks", JSON, nullable=False),
    Column("entered_at", Utc, nullable=False),
    Column("enqueued_at", Utc),
    Column("offered_at", Utc),
    Column("popped_at", Utc),
    Column("shown_at", Utc),
    Column("ringing_at", Utc),
    Column("answered_at", Utc),
    Column("ended_at", Utc),
    Column("outcome", String),
    Column("ticket_id", String),
    Column("disposition", String),
    Column("server", String, nullable=False),
    Index("ix_contacts_entered_at", "entered_at"),
    Index("ix_contacts_customer_id", "customer_id", "entered_at"),
    Index(
        "ix_contacts_open",
        *("server", "entered_at"),
        sqlite_where=text("outcome IS NULL"),
        postgresql_where=text("outcome IS NULL"),
    ),
)

# Who has, or had, a contact: the agent to whom it is offered now, and all who talked.
contact_agents = Table(
    "contact_agents",
    metadata,
    Column("agent_id", String, primary_key=True),
    Column("contact_id", ForeignKey("contacts.contact_id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("entered_at", Utc, nullable=False),
    Index("ix_contact_agents_entered_at", "agent_id", "entered_at"),
)

# ``seq`` is the order of the commits, without gaps, over all servers. ``server``, ``boot`` (one life of the server's
# process) and ``number`` say who wrote the event as which of theirs. On PostgreSQL a month is a partition
# (storage/partitions.py), which is why ``at`` is part of the key.
events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Utc, primary_key=True),
    Column("server", String, nullable=False),
    Column("boot", String, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("type", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("contact_id", String),
    Column("agent_id", String),
    Column("data", JSON, nullable=False),
    Index("ix_events_contact_id", "contact_id", "seq"),
    Index("ix_events_agent_id", "agent_id", "seq"),
    postgresql_partition_by="RANGE (at)",
)

# What tells of a person in an event, apart from it: the log itself is never changed, and who is erased is deleted here
# (docs/adr/0007-personal-data-by-reference.md). ``kind`` is a `Personal`. By contact first: it is deleted by contact.
personal_data = Table(
    "personal_data",
    metadata,
    Column("contact_id", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Utc, primary_key=True),
    Column("kind", String, nullable=False),
    Column("data", JSON, nullable=False),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (at)",
)

# One row: the newest ``seq``, and since when the log is whole (None: from its beginning). Who writes events locks it
# first: batches are committed one after the other, and a reader who has seen N never sees a smaller number appear
# (docs/adr/0005-the-order-of-the-log.md).
log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("since", Utc),
)

# Waits in queues that ended, by the business day on which their contact came in; they outlive the log. One row for each
# bucket of waits: up to ``within_s`` seconds (0: longer than the last), and what these waits sum up to.
visit_days = Table(
    "visit_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("brand", String, primary_key=True),
    Column("queue", String, primary_key=True),
    Column("ending", String, primary_key=True),
    Column("within_s", Integer, primary_key=True, autoincrement=False),
    Column("visits", BigInteger, nullable=False),
    Column("waited_ms", BigInteger, nullable=False),
)

# What each server's last complete run of the retention did.
retention_runs = Table(
    "retention_runs",
    metadata,
    Column("server", String, primary_key=True),
    Column("day", Date, nullable=False),
    Column("finished_at", Utc, nullable=False),
    Column("counts", JSON, nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    Column("id", String, primary_key=True),
    Column("contact_id", String, nullable=False, index=True),
    Column("agent_id", String, nullable=False),
    Column("path", String, nullable=False, unique=True),
    Column("seconds", Float, nullable=False),
    Column("left_rms", Float, nullable=False),
    Column("right_rms", Float, nullable=False),
    Column("created_at", Utc, nullable=False, index=True),
)

# Files of erased recordings that lie on another server's disk: that one deletes them.
audio_owed = Table(
    "audio_owed",
    metadata,
    Column("path", String, primary_key=True),
    Column("server", String, nullable=False, index=True),
)

agent_presence = Table(
    "agent_presence",
    metadata,
    Column("agent_id", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("contact_id", String),
    Column("since", Utc, nullable=False),
    Column("until", Utc),
    Column("queue", String),
    Column("requested", String),
    Column("requested_reason", String),
    Column("server", String, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("server", String, primary_key=True),
    Column("at", Utc, nullable=False),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", Integer, primary_key=True),
    # The contact for which it was opened; all of them are in ``ticket_contacts``.
    Column("contact_id", String, nullable=False),
    Column("customer_id", String, index=True),
    Column("agent_id", String, index=True),
    Column("subject", String, nullable=False),
    Column("state", String, nullable=False),
    Column("disposition", String),
    Column("note", String, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("closed_at", Utc),
)

# A contact belongs to one ticket, however often it is asked for; a ticket may have many contacts.
ticket_contacts = Table(
    "ticket_contacts",
    metadata,
    Column("contact_id", String, primary_key=True),
    Column("ticket_id", ForeignKey("tickets.id", ondelete="CASCADE"), nullable=False, index=True),
)

# What is owed to other systems, written in the transaction of what it follows from.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("taken_by", String),
    Column("last_error", String),
    UniqueConstraint("kind", "key"),
    Index("ix_outbox_due", "state", "due_at"),
)

# Never deleted: the rows tell who held what, and when (`switchroom.storage.holds`). ``subject`` is a `HoldSubject`.
legal_holds = Table(
    "legal_holds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", String, nullable=False),
    Column("subject_id", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("placed_by", String, nullable=False),
    Column("placed_at", Utc, nullable=False),
    Column("until", Utc),
    Column("released_by", String),
    Column("released_at", Utc),
    Index("ix_legal_holds_subject", "subject", "subject_id"),
)

users = Table(
    "users",
    metadata,
    Column("login", String, primary_key=True),
    Column("password_hash", String, nullable=False),
    Column("role", String, nullable=False),
    Column("agent_id", String),
    Column("team", String),
)

# Of sessions and tokens only the hash is kept: who reads the database cannot log in with what is found there.
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("login", ForeignKey("users.login", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", Utc, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("label", String, nullable=False),
)
