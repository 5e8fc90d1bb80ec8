"""Ends a connection without a word, as a broken network does."""

import socket

from flask import Response, request

from sandbox.http_server import SOCKET_KEY


def drop() -> Response:
    """Close the caller's connection with nothing sent; the response returned goes nowhere.

    Raises:
        ConnectionAbortedError: the server gives no access to its socket (Flask's test client).
    """
    connection = request.environ.get(SOCKET_KEY)
    if not isinstance(connection, socket.socket):
        raise ConnectionAbortedError("the stand-in dropped the connection")
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The caller hung up first; what was asked for is already so.
        return Response(status=499)
    return Response(status=499)
