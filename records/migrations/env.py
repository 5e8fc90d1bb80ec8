"""Alembic's entry: runs migrations on the connection that records.migrate hands over."""

from alembic import context

from records.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, compare_server_default=False)
with context.begin_transaction():
    context.run_migrations()
