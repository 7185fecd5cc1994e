"""Alembic's entry: the migrations run on the connection that `Database.upgrade` hands over."""

from alembic import context

from switchroom.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
