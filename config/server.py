"""How gunicorn serves Packline: threads, because a request waits for the database and for little else."""

from __future__ import annotations

import os
import tempfile

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
# A request line and headers of vendors stay far below these.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190

# Every process of gunicorn counts for itself; with this folder, whichever is asked answers for all of them. Set it for
# worker and clock too, and one page tells of the whole machine.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="packline-metrics-"))
