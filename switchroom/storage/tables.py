"""The ledger's tables. Times are UTC; SQLite (one host, embedded) and PostgreSQL (at scale) hold the same."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)


class Utc(TypeDecorator[datetime]):
    """An aware UTC time; SQLite, which knows no time zones, keeps it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


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
    Column("total", String, nullable=False),
    Column("items", JSON, nullable=False),
    Column("placed_at", Utc, nullable=False),
)

# What happened is kept whatever becomes of the customer: no foreign key from here to the CRM's tables.
contacts = Table(
    "contacts",
    metadata,
    Column("contact_id", String, primary_key=True),
    Column("number", String, nullable=False),
    Column("caller", String, nullable=False),
    Column("brand", String),
    Column("customer_id", Integer),
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
    Column("ticket_id", Integer),
    Column("disposition", String),
    Index("ix_contacts_entered_at", "entered_at"),
    Index("ix_contacts_customer_id", "customer_id", "entered_at"),
    Index("ix_contacts_agent_id", "agent_id", "entered_at"),
    Index("ix_contacts_outcome", "outcome"),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("type", String, nullable=False),
    Column("at", Utc, nullable=False),
    Column("contact_id", String, index=True),
    Column("agent_id", String),
    Column("data", JSON, nullable=False),
    Index("ix_events_agent_id", "agent_id", "seq"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("contact_id", String, nullable=False, index=True),
    Column("at", Utc, nullable=False),
    Column("decision", JSON, nullable=False),
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
    Column("created_at", Utc, nullable=False),
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
    # One ticket per connected call, whoever asks how often.
    Column("contact_id", String, nullable=False, unique=True),
    Column("customer_id", ForeignKey("customers.id", ondelete="SET NULL"), index=True),
    Column("agent_id", String, index=True),
    Column("subject", String, nullable=False),
    Column("state", String, nullable=False),
    Column("disposition", String),
    Column("note", String, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("closed_at", Utc),
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
