"""What Shopify does after it has answered: a job runs a while later, and what it changes is announced then."""

import threading

from sandbox import shopify_webhooks
from sandbox.core import Core
from sandbox.shopify_act import Act, Later


def start(core: Core, act: Act) -> None:
    """Set going what an act has left for later."""
    for job in act.jobs:
        waiting = threading.Timer(act.shop.job_delay_s, _run, (core, act, job))
        waiting.daemon = True
        waiting.start()


def _run(core: Core, begun: Act, job: Later) -> None:
    store, shop = begun.store, begun.shop
    with store.lock:
        # After a reset, or where the shop was opened anew, there is nothing left to do it to.
        if store.by_domain.get(shop.domain) is not shop:
            return
        act = Act(store, shop, begun.version)
        job.work(act)
        shop.running_jobs.discard(job.gid)
        shopify_webhooks.send(core, act)
