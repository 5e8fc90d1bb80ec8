"""Which settings there are, in whose words, and what each may be."""

from __future__ import annotations

from web.pages.settings_field import Field, Group
from web.pages.settings_stock_fields import REPLENISHING, ROUTING

GROUPS: tuple[Group, ...] = (
    (
        "payment",
        "Payment",
        (
            Field(
                name="ship_when",
                label="Ship an order when it is",
                kind="choice",
                choices=(("paid", "Paid"), ("authorised", "Authorised")),
                hint="Authorised money is reserved at the buyer's bank and not taken yet.",
            ),
            Field(
                name="capture_when_shipped",
                label="Take authorised money when the last shipment is announced",
                kind="yes",
            ),
            Field(
                name="release_unpaid_days",
                label="Keep the stock of an order whose payment has failed for",
                kind="number",
                unit="days",
                least=0,
                most=90,
                hint="Such as an authorisation that has run out. Then others may have it, until it is paid. "
                "0 keeps it.",
            ),
            Field(
                name="refund_when_cancelled",
                label="Money at a payment provider, when the store cancels an order",
                kind="choice",
                choices=(("ask", "Ask a person first"), ("always", "Give it back at once")),
            ),
        ),
    ),
    (
        "holds",
        "Holds and stock",
        (
            Field(
                name="hold_risk_at",
                label="Hold for fraud when the store advises to",
                kind="choice",
                choices=(("cancel", "Cancel"), ("investigate", "Investigate or cancel"), ("never", "Never hold")),
            ),
            Field(
                name="hold_unverified_abroad",
                label="Hold orders to addresses abroad that could not be checked",
                kind="yes",
                hint="Checks abroad call many good addresses unknown.",
            ),
            Field(
                name="when_short",
                label="When some of an order is out of stock",
                kind="choice",
                choices=(
                    ("ship_what_is_there", "Ship what is there"),
                    ("wait_for_all", "Wait until all of it is there"),
                ),
            ),
            Field(
                name="ask_when_short",
                label="Ask the buyer when some of an order is out of stock",
                kind="yes",
                hint="By mail, with a page on which they choose for each line. It needs a mail account (MAIL_URL). "
                "Another variant is offered where the store lets Packline edit orders (write_order_edits).",
            ),
            Field(
                name="while_asked",
                label="Until the buyer has answered",
                kind="choice",
                choices=(
                    ("hold_back", "Hold the whole order back"),
                    ("ship_what_is_there", "Ship what is there"),
                ),
                hint="Only an order that is held back can still be sent together.",
            ),
            Field(
                name="days_to_answer",
                label="The buyer may answer within",
                kind="number",
                unit="days",
                least=1,
                most=30,
            ),
            Field(
                name="remind_hours_before",
                label="Remind the buyer before that ends, by",
                kind="number",
                unit="hours",
                least=1,
                most=720,
                hint="Once. Halfway, where the time to answer is shorter than that.",
            ),
            Field(
                name="when_unanswered",
                label="When the buyer does not answer",
                kind="choice",
                choices=(
                    ("wait", "Wait for the stock"),
                    ("refund", "Give the money for the missing units back, and ship the rest"),
                    ("ship_rest", "Ship the rest now, and the missing units later"),
                ),
                hint="Money goes back by itself only where a mail has reached the buyer; otherwise the order waits.",
            ),
            Field(
                name="send_change_link",
                label="Write each buyer the link to change their order",
                kind="yes",
                hint="Once, when the order was checked. Until a label is bought they can correct the address, take "
                "units off or cancel. It needs a mail account (MAIL_URL).",
            ),
            Field(
                name="minutes_to_change",
                label="Begin nothing before an order is this old",
                kind="number",
                unit="minutes",
                least=0,
                most=2880,
                hint="The time that a buyer has to change the order. No label is bought, no code is given and no "
                "supplier is asked before. 0 begins at once.",
            ),
        ),
    ),
    (
        "shipping",
        "Shipping",
        (
            Field(
                name="promise_days",
                label="Promised to be at the door within",
                kind="number",
                unit="days",
                least=0,
                most=90,
                hint="Counted from the order, where the bought shipping method promises nothing narrower.",
            ),
            Field(
                name="carrier_days",
                label="Days with a carrier, within the country",
                kind="number",
                unit="days",
                least=0,
                most=90,
                hint="For what is told before a carrier was asked: it is called an estimate.",
            ),
            Field(
                name="carrier_days_abroad",
                label="Days with a carrier, abroad",
                kind="number",
                unit="days",
                least=0,
                most=90,
            ),
            Field(
                name="carriers",
                label="Carriers that may be used",
                kind="words",
                hint="Their names, separated by commas, such as USPS, UPSDAP. Empty means every one that answers.",
            ),
            Field(name="tell_buyer", label="Let the store tell the buyer the tracking", kind="yes"),
            Field(
                name="customs_signer",
                label="Who signs customs declarations",
                kind="text",
                longest=100,
                hint="A person's name. Empty means the name of the location that sends.",
            ),
        ),
    ),
    ROUTING,
    REPLENISHING,
    (
        "parcels",
        "Parcels and labels",
        (
            Field(name="box.length_mm", label="Box length", kind="number", unit="mm", least=1),
            Field(name="box.width_mm", label="Box width", kind="number", unit="mm", least=1),
            Field(name="box.height_mm", label="Box height", kind="number", unit="mm", least=1),
            Field(name="box.empty_grams", label="Weight of the empty box", kind="number", unit="g", least=0),
            Field(name="box.max_content_grams", label="Most that a box may hold", kind="number", unit="g", least=1),
            Field(
                name="assumed_unit_grams",
                label="Weight of a unit that the store does not know",
                kind="number",
                unit="g",
                least=1,
            ),
            Field(
                name="label_format",
                label="Labels are",
                kind="choice",
                choices=(("PDF", "PDF, for any printer"), ("PNG", "PNG, pictures"), ("ZPL", "ZPL, for label printers")),
            ),
            Field(
                name="label_size",
                label="Label size",
                kind="choice",
                choices=(("4x6", "4 × 6 inches"), ("7x3", "7 × 3 inches"), ("8.5x11", "8.5 × 11 inches (letter)")),
            ),
        ),
    ),
    (
        "keeping",
        "How long things are kept",
        (
            Field(
                name="keep_deliveries_days", label="Bodies of webhooks", kind="number", unit="days", least=1, most=365
            ),
            Field(
                name="keep_buyers_days",
                label="Who bought, after an order's end",
                kind="number",
                unit="days",
                least=0,
                most=3650,
                hint="0 keeps it. Money and stock stay in the books in any case.",
            ),
        ),
    ),
)
