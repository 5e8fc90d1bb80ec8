"""A shop with a long history, written by a few statements: what pages and questions are measured on."""

from __future__ import annotations

from sqlalchemy import Engine, text

from records import database

# Of a hundred thousand orders so many have not left yet: a busy day's, and some that are stuck.
_OPEN = 1_500
_SKUS = 400


def fill(engine: Engine, *, orders: int) -> int:
    """A tenant with so many orders, each with lines, shipment, parcel, label, story and jobs; answers the tenant."""
    with database.across_tenants(engine, why="bench") as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        tenant = session.execute(
            text("INSERT INTO tenants (name, currency, rules) VALUES ('Long History', 'USD', '{}') RETURNING id")
        ).scalar_one()
    with database.transaction(engine, int(tenant)) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        values = {"tenant": tenant, "orders": orders, "open": min(_OPEN, orders // 10), "skus": _SKUS}
        for statement in _STATEMENTS:
            session.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.exec_driver_sql("ANALYZE")
    return int(tenant)


# Every address is a person's of their own: the search by name finds some of them, never all.
_ADDRESS = """jsonb_build_object(
    'name', (ARRAY['Ada', 'Grace', 'Jean', 'Mary', 'Kay'])[1 + n % 5] || ' '
        || (ARRAY['Lovelace', 'Hopper', 'Bartik', 'Jackson', 'McNulty'])[1 + (n / 5) % 5] || ' ' || n,
    'company', '', 'street1', n || ' Main St', 'street2', '', 'city', 'Reno', 'region', 'NV', 'postcode', '89501',
    'country', 'US', 'phone', '', 'email', '', 'latitude', null, 'longitude', null)"""
# The newest orders are the open ones, as in life; the rest has been delivered, most of it in time.
_STATEMENTS = """
INSERT INTO connections (tenant_id, id, vendor, role, account, live, sealed_secrets)
VALUES (:tenant, 'pages-store-' || :tenant, 'shopify', 'storefront', '', false, ''),
       (:tenant, 'pages-carrier-' || :tenant, 'easypost', 'carrier', '', false, '');

INSERT INTO locations (tenant_id, connection_id, remote_id, name, address, ships)
SELECT :tenant, 'pages-store-' || :tenant, 'l' || n, (ARRAY['Reno', 'Newark', 'Austin'])[n], @ADDRESS@, true
FROM generate_series(1, 3) n;

INSERT INTO variants (tenant_id, connection_id, remote_id, inventory_remote_id, sku, title, unit_price_minor, currency,
                      unit_grams, needs_shipping, tracked, hs_code, origin_country)
SELECT :tenant, 'pages-store-' || :tenant, 'v' || n, 'i' || n, 'SKU-' || lpad(n::text, 4, '0'), 'Thing ' || n, 1200,
       'USD', 300, true, true, '', 'US'
FROM generate_series(1, :skus) n;

INSERT INTO stock_levels (tenant_id, variant_id, location_id, on_hand, reserved)
SELECT :tenant, v.id, l.id, 1000, 0 FROM variants v, locations l WHERE v.tenant_id = :tenant AND l.tenant_id = :tenant;

INSERT INTO orders (tenant_id, connection_id, remote_id, name, state, placed_at, currency, total_minor, standing, email,
                    ship_to, shipping_title, deliver_by, created_at)
SELECT :tenant, 'pages-store-' || :tenant, 'gid://shopify/Order/' || n, '#' || (1000 + n),
       CASE WHEN n <= :orders - :open THEN 'fulfilled'
            ELSE (ARRAY['verified', 'released', 'allocated', 'shipping'])[1 + n % 4] END,
       placed, 'USD', 2400 + n % 9000, 'paid', 'buyer' || n || '@example.com', @ADDRESS@, 'Standard',
       placed + interval '3 days', placed
FROM generate_series(1, :orders) n, LATERAL (SELECT now() - (:orders - n) * interval '2 minutes') AS at (placed);

INSERT INTO order_lines (tenant_id, order_id, remote_id, variant_id, variant_remote_id, sku, title, units, to_ship,
                         unit_price_minor, unit_grams, needs_shipping)
SELECT :tenant, o.id, 'line' || k, v.id, v.remote_id, v.sku, v.title, 1 + o.id % 2, 1 + o.id % 2, 1200, 300, true
FROM orders o CROSS JOIN generate_series(1, 2) k
JOIN variants v ON v.tenant_id = :tenant AND v.remote_id = 'v' || (1 + (o.id * 7 + k * 13) % :skus)
WHERE o.tenant_id = :tenant;

INSERT INTO shipments (tenant_id, order_id, location_id, state, created_at)
SELECT :tenant, o.id, l.id,
       CASE o.state WHEN 'fulfilled' THEN 'handed_over' WHEN 'shipping' THEN 'announced' ELSE 'planned' END,
       o.created_at
FROM orders o JOIN locations l ON l.tenant_id = :tenant AND l.remote_id = 'l' || (1 + o.id % 3)
WHERE o.tenant_id = :tenant AND o.state IN ('fulfilled', 'shipping', 'allocated');

INSERT INTO shipment_lines (tenant_id, shipment_id, line_id, units)
SELECT :tenant, s.id, l.id, l.units
FROM shipments s JOIN order_lines l ON l.tenant_id = :tenant AND l.order_id = s.order_id
WHERE s.tenant_id = :tenant;

INSERT INTO parcels (tenant_id, shipment_id, order_id, shape, contents, carrier, tracking_code, carrier_status,
                     delivered_at, created_at)
SELECT :tenant, s.id, s.order_id,
       '{"weight_grams": 720, "length_mm": 300, "width_mm": 220, "height_mm": 120}', '{}',
       CASE WHEN s.state = 'planned' THEN '' ELSE 'USPS' END,
       CASE WHEN s.state = 'planned' THEN '' ELSE '9400' || lpad(s.id::text, 18, '0') END,
       CASE s.state WHEN 'handed_over' THEN 'delivered' WHEN 'announced' THEN 'in_transit' ELSE 'unknown' END,
       CASE WHEN s.state = 'handed_over' THEN s.created_at + interval '2 days' + (s.id % 40) * interval '1 hour' END,
       s.created_at
FROM shipments s WHERE s.tenant_id = :tenant;

INSERT INTO labels (tenant_id, parcel_id, order_id, connection_id, attempt, state, rate, rates, choice, cost_minor,
                    currency, tracking_code, media_type, content, bought_at, created_at)
SELECT :tenant, p.id, p.order_id, 'pages-carrier-' || :tenant, 1, 'bought',
       jsonb_build_object('remote_id', 'r1', 'carrier', 'USPS', 'transit_days', 3,
                          'service', (ARRAY['GroundAdvantage', 'Priority'])[1 + p.id % 2],
                          'price', jsonb_build_object('minor', 712, 'currency', 'USD')),
       '[]', 'USPS for 7.12 USD: cheapest of 3.', 712, 'USD', p.tracking_code, 'application/pdf', 'a label'::bytea,
       p.created_at, p.created_at
FROM parcels p WHERE p.tenant_id = :tenant AND p.tracking_code <> '';

INSERT INTO timeline_entries (tenant_id, order_id, at, actor, kind, sentence, details)
SELECT :tenant, o.id, o.created_at, 'packline', 'fact', 'Line ' || k || ' of the story.', '{}'
FROM orders o CROSS JOIN generate_series(1, 6) k WHERE o.tenant_id = :tenant;

INSERT INTO holds (tenant_id, order_id, kind, reason, remedy, set_by)
SELECT :tenant, o.id, (ARRAY['address', 'payment', 'operator'])[1 + o.id % 3], 'It waits.', 'Look at it.', 'packline'
FROM orders o WHERE o.tenant_id = :tenant AND o.state = 'verified' AND o.id % 5 = 0;

INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank, state, ended_at)
SELECT :tenant, kind, 'order/' || o.id, 'order/' || o.id, 'orders', 10, 'done', o.created_at
FROM orders o CROSS JOIN (VALUES ('verify_order'), ('check_payment'), ('reserve_stock')) AS k (kind)
WHERE o.tenant_id = :tenant;

INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank, state, cause, reason, remedy, ended_at)
SELECT :tenant, 'buy_label', 'order/' || p.order_id, 'parcel/' || p.id, 'orders', 40, 'parked', 'no_rates',
       'No carrier offers a rate.', 'Look at it.', now()
FROM parcels p WHERE p.tenant_id = :tenant AND p.tracking_code = '' AND p.id % 10 = 0;

INSERT INTO movements (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, order_id, actor)
SELECT :tenant, l.variant_id, s.location_id, 'reserved', 0, l.units, l.order_id, 'packline'
FROM order_lines l JOIN shipments s ON s.tenant_id = :tenant AND s.order_id = l.order_id
WHERE l.tenant_id = :tenant
""".replace("@ADDRESS@", _ADDRESS).split(";\n")
