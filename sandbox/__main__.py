"""python -m sandbox: serves the stand-ins for Shopify, Stripe and EasyPost on one port, and a mailbox on another."""

import argparse
import signal
import sys
import threading
from types import FrameType

from sandbox.server import create_sandbox, make_sandbox_server


def main(arguments: list[str] | None = None) -> int:
    wish = _parser().parse_args(arguments)
    server = make_sandbox_server(create_sandbox(wish.hooks_origin), wish.host, wish.port, mail_port=wish.mail_port)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # shutdown() waits for the serving loop, which is the very thread a signal interrupts.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.stderr.write(f"sandbox: http://{wish.host}:{server.port}\n")
    server.serve_forever()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Stand-ins for Shopify, Stripe, EasyPost.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4000, help="0 takes a free port")
    parser.add_argument("--mail-port", type=int, default=0, help="where letters are taken; 0 takes a free one")
    parser.add_argument("--hooks-origin", default="http://127.0.0.1:8000", help="where the app under test listens")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
