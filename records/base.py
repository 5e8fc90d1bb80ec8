"""The ground that every table stands on: typed columns, tenant first, times in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import BigInteger, DateTime, Dialect, Identity, MetaData, Text, TypeDecorator, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this name on the class
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        int: BigInteger,
    }


# Ids are unique over all tenants, but a row is only ever found by its tenant and its id together.
# No foreign key to tenants here: every insert would lock the tenant's one row, and connections carry that key already.
TenantKey = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]
Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


T = TypeVar("T", bound=BaseModel)


class Stored(TypeDecorator[T], Generic[T]):
    """A pydantic value kept as jsonb; none is no value, and not the JSON word null, which no IS NULL finds."""

    impl = JSONB
    cache_ok = True

    def __init__(self, model: type[T]) -> None:
        super().__init__(none_as_null=True)
        self.model = model

    def process_bind_param(self, value: T | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else value.model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:  # noqa: ARG002
        return None if value is None else self.model.model_validate(value)
