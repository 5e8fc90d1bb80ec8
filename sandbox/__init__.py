"""Stand-ins for Shopify, Stripe and EasyPost: stateful, in the vendors' wire formats, on one local port.

    python -m sandbox --port 4000 --hooks-origin http://127.0.0.1:8000

For the demo, the tests, the drills and the benchmarks. Nothing here knows the app, and the app knows only origins.
Keys that are there from the start: EasyPost `EZTK_sandbox`, Stripe `sk_test_sandbox`.

Control door (JSON), for every vendor:

    POST   /_sandbox/reset                    forget everything
    POST   /_sandbox/faults                   {vendor, kind, operation="*", match?, times=1|null, skip=0, probability=1,
                                               delay_s=1, status?, retry_after?}; kinds stand in sandbox/faults.py
    GET    /_sandbox/faults                   DELETE /_sandbox/faults[/<id>]
    GET    /_sandbox/calls                    ?vendor= &operation= &effect=true|false &limit=  → {count, calls}
    POST   /_sandbox/deliveries/plan          {paused, duplicates, shuffle, drop, delay_s: [min, max], retries,
                                               retry_delays_s, seed}; what is left out goes back to normal
    GET    /_sandbox/deliveries               ?state=queued|delivered|failed|dropped &vendor= &limit=
    POST   /_sandbox/deliveries/flush         {timeout_s} → {queued} when nothing is on its way, or the time is over
    POST   /_sandbox/deliveries/replay        {times, shuffle, vendor?}: everything sent so far again
    GET    /_sandbox/health

EasyPost:

    POST   /_sandbox/easypost/accounts                    {key, mode, webhook_url?, webhook_secret?}
    POST   /_sandbox/easypost/owners                      {key, name?, balance?, has_billing_method?, verified?,
                                                           carriers?: [USPS, …]}
    POST   /_sandbox/easypost/keys                        {key, of}: another key of an account
    POST   /_sandbox/easypost/keys/<key>/disable
    POST   /_sandbox/easypost/settings                    {purchase_s}: how long a purchase takes
    GET    /_sandbox/easypost/shipments                   ?reference= &key=
    POST   /_sandbox/easypost/trackers/<id|code>/move     {status, status_detail?, message?, at?, city?, state?, zip?,
                                                           country?, est_delivery_date?, signed_by?}
    POST   /_sandbox/easypost/refunds/<shipment>/settle   {result: refunded|rejected}

    Streets with UNDELIVERABLE, and ZIP 00000, do not verify; a street with NOPOSTAGE is refused when bought; country KP
    gets no rates; a border without customs gets none either.

Stripe:

    POST   /_sandbox/stripe/accounts             {key, livemode, webhook_url?, webhook_secret?, enabled_events?, name?,
                                                  charges_enabled?}
    POST   /_sandbox/stripe/keys                 {key, of, permissions: [rak_…]|null}: another key of an account
    POST   /_sandbox/stripe/keys/<key>/revoke
    POST   /_sandbox/stripe/payments             {key, amount, currency, metadata, capture_method?,
                                                  outcome: succeeded|requires_capture|failed|processing}
    POST   /_sandbox/stripe/payments/<pi>/<deed> succeed, fail, capture, cancel, expire, refund, fail_refund, dispute,
                                                 close_dispute
    POST   /_sandbox/stripe/checkouts            {key, amount, currency, metadata, intent_metadata?,
                                                  client_reference_id, outcome}
    POST   /_sandbox/stripe/checkouts/<cs>/<deed> complete {outcome}, expire

Shopify's control door is described in sandbox/shopify_control.py.
"""
