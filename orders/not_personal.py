"""The columns that tell nobody who somebody is, and stay when a buyer or a shop is forgotten (orders/forgetting.py)."""

from __future__ import annotations

from collections.abc import Mapping

# Our own numbers, amounts, states, times, and vendors' ids of things. A tracking code is the reference of paid postage,
# as the carrier's id of it is; who it went to, only the carrier knows.
NOT_PERSONAL: Mapping[str, str] = {
    "address_changes": "tenant_id id order_id state created_at ended_at",
    "arrivals": "tenant_id id variant_id location_id units due_on reference state created_at ended_at",
    "audit_lines": "tenant_id id at surface act outcome",
    "bundle_parts": "tenant_id bundle_id part_id units",
    "buying_terms": "tenant_id variant_id lead_days pack_units",
    "choices": "tenant_id id order_id state short unanswered answers rest link_version created_at remind_at answer_by "
    "answered_at acted_at over_at",
    "comparisons": "tenant_id id connection_id job_id scope since until state looked_at began_at ended_at",
    "connections": "tenant_id id vendor role live sealed_secrets created_at ended_at token_expires_at checked_at "
    "granted_by scopes renewal_expires_at renewing_until consent_wanted_at",
    "demand_days": "tenant_id variant_id location_id day units",
    "digital_codes": "tenant_id id variant_id digital_line_id created_at",
    "digital_deliveries": "tenant_id id order_id link_until link_version created_at fulfillments",
    "digital_goods": "tenant_id variant_id kind active most_openings days since",
    "digital_lines": "tenant_id id delivery_id line_id variant_id kind units openings most_openings ends_at",
    "couriers": "tenant_id id locations radius_km price_minor currency most_grams days cut_off created_at ended_at",
    "count_lines": "tenant_id id count_id place variant_id location_id units seen movement_id",
    "counts": "tenant_id id means location_id remark state created_at ended_at",
    "findings": "tenant_id id comparison_id order_id subject kind outcome at",
    "forecasts": "tenant_id variant_id location_id catches begins ends series_digest reason model per_week_milli "
    "error_milli mae_milli bias_milli same_mae_milli tested tried made_at lead_days safety_units reorder_point",
    "holds": "tenant_id id order_id kind state overridable created_at released_at",
    "inbox_events": "tenant_id id connection_id vendor topic delivery_id occasion body_sha256 received_at state "
    "subject duplicates taken_at",
    "installs_begun": "vendor created_at expires_at",
    "intentions": "tenant_id id key kind subject attempt state mark renewals keyed_at vendor_reference created_at "
    "ended_at",
    "jobs": "tenant_id id kind lane subject generation queue rank state due_at rung_at attempts deaths fence "
    "lease_until worker cause created_at started_at ended_at",
    "labels": "tenant_id id parcel_id order_id connection_id attempt state shipment_ref rate rates cost_minor currency "
    "tracking_code tracker_ref media_type bought_at void_refusals created_at",
    "locations": "tenant_id id connection_id remote_id ships sending",
    "movements": "tenant_id id variant_id location_id cause on_hand_change reserved_change damaged_change "
    "safety_change order_id reference at",
    "notices": "tenant_id id order_id subject fact channel state created_at ended_at",
    "order_lines": "tenant_id id order_id remote_id variant_id variant_remote_id sku title units to_ship "
    "by_hand to_deliver unit_price_minor unit_grams needs_shipping",
    "orders": "tenant_id id connection_id remote_id name state placed_at remote_updated_at currency total_minor "
    "goods_minor standing risk shipping_title cancelled_at deliver_by ship_by arrives_on test created_at "
    "bare_remote_id link_version",
    "outdated": "tenant_id connection_id thing remote_id told first_told_at",
    "parcel_scans": "tenant_id id parcel_id key at status detail country announced_at",
    "parcels": "tenant_id id shipment_id order_id shape contents carrier tracking_code tracker_ref carrier_status "
    "seen_at told_at expected_at delivered_at created_at",
    "payments": "tenant_id id connection_id remote_id order_id order_remote_id state currency amount_minor "
    "authorised_minor captured_minor refunded_minor disputed disputed_as_of as_of created_at",
    "privacy_requests": "tenant_id id kind remote_id state found export_expires_at created_at due_at done_at",
    "reservations": "tenant_id id order_id line_id variant_id location_id shipment_id units each part unsold state "
    "created_at ended_at",
    "refusals": "tenant_id id order_id line_id location_id shipment_id why at",
    "purchase_orders": "tenant_id id order_id supplier_id state link_version created_at sent_at answered_at settled "
    "ended_at",
    "purchase_order_lines": "tenant_id purchase_order_id line_id units sku cost_minor currency",
    "suppliers": "tenant_id id lead_days created_at ended_at",
    "supplied_variants": "tenant_id variant_id supplier_id sku cost_minor currency",
    "returned_units": "tenant_id id order_id variant_id location_id units remote_id heard_at counted_at",
    "reversal_steps": "tenant_id id reversal_id position kind subject remote_id units amount_minor currency state "
    "created_at ended_at",
    "reversals": "tenant_id id order_id purpose state wanted refund tell_buyer created_at ended_at",
    "routing_decisions": "tenant_id id order_id at version digest",
    "shadow_decisions": "tenant_id id order_id key act compared_at created_at",
    "shipment_lines": "tenant_id shipment_id line_id units",
    "shipments": "tenant_id id order_id location_id purchase_order_id way by_carrier state fulfillments ship_by "
    "arrives_on arrival_said_by created_at",
    "stock_alerts": "tenant_id variant_id location_id kind letter_id",
    "stock_letters": "tenant_id id state listed created_at ended_at",
    "stock_levels": "tenant_id variant_id location_id on_hand reserved damaged safety missing",
    "swaps": "tenant_id id order_id choice_id line_id variant_id units state line_units variant_units created_at "
    "ended_at",
    "tenants": "id currency created_at mode went_live_at closed_at redact_after redacted_at",
    "timeline_entries": "tenant_id id order_id at kind",
    "users": "id created_at ended_at role tenant_id totp_used_at session_epoch",
    "variants": "tenant_id id connection_id remote_id inventory_remote_id product_remote_id sku title unit_price_minor "
    "currency unit_grams needs_shipping tracked hs_code origin_country making_days bans "
    "store_bans",
}
