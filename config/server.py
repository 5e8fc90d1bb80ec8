"""How gunicorn serves Packline: threads, because a request waits for the database and for little else."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
from typing import Any

workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
worker_class = "gthread"
# The vendors wait five (Shopify) to seven (EasyPost) seconds; a request that took longer has lost its sender.
timeout = 30
graceful_timeout = 20
keepalive = 5
# Without it one process takes most connections (measured: 1,106 to 2,760 requests/s, by chance).
reuse_port = True
# Loading once before forking would share engines and threads between processes: every one builds its own.
preload_app = False
accesslog = None
errorlog = "-"
loglevel = "warning"
logger_class = "config.server_log.ServerLog"
# gunicorn would open a socket in its user's home by which it can be steered; nobody here needs one.
control_socket_disable = True
# A request line and headers of vendors stay far below these.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190

# A sender that says nothing for this long, in the middle of its headers or its body, gives its thread back. Without it
# eight silent connections a process shut the door for good. It does not stop those who send a byte now and then: in
# front of the open internet belongs a proxy that takes requests in whole before it passes them on (nginx does).
patience_s = float(os.environ.get("WEB_PATIENCE_SECONDS", "5"))


def post_worker_init(worker: Any) -> None:
    """Sockets that are accepted inherit this, and keep it when gunicorn makes them blocking."""
    patience = struct.pack("ll", int(patience_s), int(patience_s % 1 * 1_000_000))
    for listener in worker.sockets:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)


# Every process of gunicorn counts for itself; with this folder, whichever is asked answers for all of them. Set it for
# worker and clock too, and one page tells of the whole machine.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="packline-metrics-"))
