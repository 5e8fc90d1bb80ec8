"""The sandbox on a free port, steered and questioned over its control door."""

import threading
from urllib.parse import urlencode

from integrations.ports import Origins
from tests import patient


class SandboxVendor:
    """A running sandbox: make things happen there, set faults, and ask what was called."""

    def __init__(self, origin):
        self.origin = origin
        self.origins = Origins(shopify=origin, stripe=origin, easypost=origin)
        # One client: each new one would read the machine's certificates again, which costs more than the call.
        self._door = patient.Client(trust_env=False)

    def do(self, path, wish=None):
        answer = self._door.request("GET" if wish is None else "POST", f"{self.origin}/_sandbox{path}", json=wish)
        answer.raise_for_status()
        return answer.json()

    def close(self):
        self._door.close()

    def fault(self, vendor, kind, operation="*", **more):
        self.do("/faults", {"vendor": vendor, "kind": kind, "operation": operation} | more)

    def acts(self, operation):
        """How often this operation changed something at the vendor, whatever the caller got to see."""
        return self.do(f"/calls?{urlencode({'operation': operation, 'effect': 'true'})}")["count"]

    def calls(self, operation):
        return self.do(f"/calls?{urlencode({'operation': operation})}")["calls"]


def running_sandbox():
    """The running sandbox; ends when it is asked a second time."""
    from sandbox.http_server import SandboxServer
    from sandbox.server import create_sandbox

    server = SandboxServer("127.0.0.1", 0, create_sandbox())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    vendor = SandboxVendor(f"http://127.0.0.1:{server.port}")
    yield vendor
    vendor.close()
    server.shutdown()
    server.server_close()
