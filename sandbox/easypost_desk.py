"""Where every EasyPost call passes: who asks, what is done, how it is logged and answered."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import Response

from sandbox.core import Answer, Core
from sandbox.easypost_accounts import Account, Accounts
from sandbox.easypost_postage import Postage
from sandbox.easypost_wire import errors_for, not_found


class Desk:
    """The stand-in's state and its one way to answer."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.accounts = Accounts(core)
        self.postage = Postage(self.accounts)
        core.shape_errors("easypost", errors_for)

    def serve(self, operation: str, act: Callable[[Account], Answer]) -> Response:
        """Answer one call of an account; an unknown key is refused before anything is done."""
        response = self.core.answer("easypost", operation, lambda: act(self.accounts.caller()))
        response.headers["X-EP-Request-UUID"] = uuid4().hex
        return response

    def give(self, operation: str, find: Callable[[Account], dict[str, Any] | None]) -> Response:
        """Answer one object, or 404 when the account has none of that id."""

        def act(account: Account) -> Answer:
            found = find(account)
            if found is None:
                raise not_found()
            return Answer(200, found, effect=False)

        return self.serve(operation, act)
