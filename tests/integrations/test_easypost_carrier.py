"""EasyPost's carriers: one label for one purchase whatever gets lost on the way, and exact measures and prices."""

import pytest
from scripted_vendor import Answer

from integrations.carriers import easypost as easypost_vendor
from integrations.carriers.easypost import client, consignments, label_files, words
from integrations.nouns import (
    Address,
    Consignment,
    Customs,
    CustomsLine,
    Money,
    Parcel,
    ParcelStatus,
    VoidState,
)
from integrations.ports import Credentials, Origins, Permanent, Temporary
from sandbox.easypost_accounts import DEFAULT_KEY

# As shipped: the tests below wait less.
SHIPPED_BUY_TIMEOUT_S, SHIPPED_ASK_TIMEOUT_S = client.BUY_TIMEOUT_S, client.ASK_TIMEOUT_S

RENO = Address(
    name="Reno Warehouse", company="Packline", street1="1 Depot Way", city="Reno", region="NV", postcode="89501",
    country="US", phone="7755550100",
)  # fmt: skip
BUYER = Address(
    name="Ada Buyer", street1="179 N Harbor Dr", city="Redondo Beach", region="CA", postcode="90277", country="US",
    email="ada@example.com", phone="3105550100",
)  # fmt: skip
PARCEL = Parcel(weight_grams=454, length_mm=254, width_mm=203, height_mm=102)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(client, "BUY_TIMEOUT_S", (1, 0.4))
    monkeypatch.setattr(client, "ASK_TIMEOUT_S", (1, 0.3))
    client._clients.forget()


@pytest.fixture
def carrier(sandbox, notes):
    credentials = Credentials(account="", live=False, secrets={"api_key": DEFAULT_KEY})
    return easypost_vendor.build(credentials, sandbox.origins, notes.append)


@pytest.fixture
def asked(scripted, at_script, credentials, notes):
    return easypost_vendor.build(credentials, at_script, notes.append)


def consignment(**changes):
    return Consignment(**({"reference": "attempt-1", "sender": RENO, "recipient": BUYER, "parcel": PARCEL} | changes))


def cheapest(quote):
    return min(quote.rates, key=lambda rate: rate.price.minor)


# ------------------------------------------------------------------------------------------ against the sandbox


def test_a_good_address_is_deliverable(carrier):
    verdict = carrier.verify_address(BUYER)
    assert (verdict.deliverable, verdict.problems, verdict.corrected) == (True, (), None)


def test_an_estimate_names_the_same_prices_and_leaves_nothing_at_easypost(carrier, sandbox):
    estimate, quote = carrier.estimate(consignment()), carrier.quote(consignment())

    assert [(rate.carrier, rate.service, rate.price) for rate in estimate.rates] == [
        (rate.carrier, rate.service, rate.price) for rate in quote.rates
    ]
    assert (estimate.shipment_ref, {rate.remote_id for rate in estimate.rates}) == ("", {""})


def test_a_bad_address_is_not_deliverable_and_says_why(carrier):
    verdict = carrier.verify_address(BUYER.model_copy(update={"street1": "1 UNDELIVERABLE St"}))
    assert (verdict.deliverable, verdict.problems) == (False, ("Address not found",))


def test_a_quote_has_rates_to_the_cent_under_one_shipment(carrier, notes):
    quote = carrier.quote(consignment())
    assert quote.shipment_ref.startswith("shp_")
    assert len(quote.rates) >= 2
    assert all(rate.price.minor > 0 and rate.price.currency == "USD" for rate in quote.rates)
    assert [(note.verb, note.outcome, note.key) for note in notes] == [("shipment.create", "ok", "attempt-1")]


def test_a_label_is_bought_fetched_and_followed(sandbox, carrier):
    quote = carrier.quote(consignment())
    rate = cheapest(quote)
    label = carrier.buy(quote.shipment_ref, rate.remote_id)
    assert (label.shipment_ref, label.rate.price) == (quote.shipment_ref, rate.price)
    assert label.tracking_code
    assert (label.label_format, label.void_state) == ("PDF", None)
    file = carrier.fetch_label(label.label_url)
    assert file.media_type == "application/pdf"
    assert file.content.startswith(b"%PDF-")
    sandbox.do(f"/easypost/trackers/{label.tracker_ref}/move", {"status": "delivered"})
    assert carrier.track(label.tracker_ref).status is ParcelStatus.DELIVERED


@pytest.mark.parametrize("label_format", ["PDF", "PNG", "ZPL"])
def test_a_label_comes_in_the_format_that_was_asked_for(carrier, label_format):
    quote = carrier.quote(consignment(label_format=label_format))
    label = carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    assert label.label_format == label_format
    assert carrier.fetch_label(label.label_url).media_type.endswith(label_format.lower())


def test_a_shipment_that_was_not_bought_has_no_label(carrier):
    assert carrier.find_label(carrier.quote(consignment()).shipment_ref) is None


def test_buying_twice_is_one_purchase_and_the_same_label(sandbox, carrier):
    quote = carrier.quote(consignment())
    first = carrier.buy(quote.shipment_ref, quote.rates[0].remote_id)
    again = carrier.buy(quote.shipment_ref, quote.rates[1].remote_id)
    assert again == first
    assert sandbox.acts("shipment.buy") == 1


@pytest.mark.parametrize("fault", ["timeout_after", "cut_after", "broken_json", "html", "5xx_after"])
def test_a_purchase_whose_answer_was_lost_is_adopted(sandbox, carrier, fault):
    quote = carrier.quote(consignment())
    sandbox.fault("easypost", fault, "shipment.buy", delay_s=0.6, status=502)
    label = carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    assert label == carrier.find_label(quote.shipment_ref)
    assert sandbox.acts("shipment.buy") == 1


@pytest.mark.parametrize("fault", ["timeout_before", "cut", "5xx"])
def test_a_purchase_that_was_not_made_is_of_unknown_outcome_and_works_when_tried_again(sandbox, carrier, fault):
    quote = carrier.quote(consignment())
    sandbox.fault("easypost", fault, "shipment.buy", delay_s=0.6)
    with pytest.raises(Temporary) as lost:
        carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    assert lost.value.outcome_unknown
    assert carrier.buy(quote.shipment_ref, cheapest(quote).remote_id).tracking_code
    assert sandbox.acts("shipment.buy") == 1


def test_a_lost_purchase_that_cannot_be_looked_up_stays_of_unknown_outcome(sandbox, carrier):
    quote = carrier.quote(consignment())
    sandbox.fault("easypost", "cut_after", "shipment.buy")
    sandbox.fault("easypost", "5xx", "shipment.retrieve")
    with pytest.raises(Temporary) as lost:
        carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    assert lost.value.outcome_unknown
    assert carrier.buy(quote.shipment_ref, cheapest(quote).remote_id).tracking_code
    assert sandbox.acts("shipment.buy") == 1


def test_a_purchase_under_way_is_asked_about_again_in_fifteen_seconds(scripted, asked):
    error = {"error": {"code": "SHIPMENT.PURCHASE.IN_PROGRESS", "message": "Purchase in progress.", "errors": []}}
    scripted.script += [Answer(error, status=422), Answer({"id": "shp_1", "postage_label": None})]
    with pytest.raises(Temporary) as under_way:
        asked.buy("shp_1", "rate_1")
    assert (under_way.value.outcome_unknown, under_way.value.retry_in_s) == (True, 15.0)
    assert scripted.paths() == ["POST /v2/shipments/shp_1/buy", "GET /v2/shipments/shp_1"]


def test_a_rate_limit_is_temporary_says_when_and_buys_nothing(sandbox, carrier):
    quote = carrier.quote(consignment())
    sandbox.fault("easypost", "429", "shipment.buy", retry_after=7)
    with pytest.raises(Temporary) as limited:
        carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    assert (limited.value.retry_in_s, limited.value.outcome_unknown) == (7.0, False)
    assert sandbox.acts("shipment.buy") == 0


def test_a_rate_limit_on_reading_is_not_slept_through(sandbox, carrier):
    quote = carrier.quote(consignment())
    sandbox.fault("easypost", "429", "shipment.retrieve", retry_after=3000)
    with pytest.raises(Temporary) as limited:
        carrier.find_label(quote.shipment_ref)
    assert limited.value.retry_in_s == 3000.0


def test_a_label_that_was_given_back_is_asked_for_until_it_is_settled(sandbox, carrier):
    quote = carrier.quote(consignment())
    carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    assert carrier.void(quote.shipment_ref) is VoidState.ASKED
    assert carrier.find_label(quote.shipment_ref).void_state is VoidState.ASKED
    sandbox.do(f"/easypost/refunds/{quote.shipment_ref}/settle", {"result": "refunded"})
    assert carrier.find_label(quote.shipment_ref).void_state is VoidState.DONE
    assert carrier.void(quote.shipment_ref) is VoidState.DONE


def test_a_refusal_to_take_a_label_back_may_be_asked_about_again_and_again(sandbox, carrier):
    quote = carrier.quote(consignment())
    carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    for _ in range(3):
        assert carrier.void(quote.shipment_ref) is VoidState.ASKED
        sandbox.do(f"/easypost/refunds/{quote.shipment_ref}/settle", {"result": "rejected"})
        assert carrier.find_label(quote.shipment_ref).void_state is VoidState.REFUSED
    assert carrier.void(quote.shipment_ref) is VoidState.ASKED
    sandbox.do(f"/easypost/refunds/{quote.shipment_ref}/settle", {"result": "refunded"})
    assert carrier.void(quote.shipment_ref) is VoidState.DONE


def test_a_label_that_is_billed_on_scan_stays_so_however_often_it_is_given_back(carrier):
    quote = carrier.quote(abroad(line()))
    express = next(rate for rate in quote.rates if rate.carrier == "DHL Express")
    carrier.buy(quote.shipment_ref, express.remote_id)
    assert [carrier.void(quote.shipment_ref) for _ in range(2)] == [VoidState.NEVER] * 2


@pytest.mark.parametrize(
    ("stands", "state"),
    [
        ("rejected", VoidState.REFUSED),
        ("submitted", VoidState.ASKED),
        ("not_applicable", VoidState.NEVER),
        ("refunded", VoidState.DONE),
        ("pondered", VoidState.UNKNOWN),
    ],
)
def test_where_a_refund_is_not_taken_twice_the_earlier_one_is_told(scripted, asked, stands, state):
    refusal = {"error": {"code": "SHIPMENT.REFUND.UNAVAILABLE", "message": "Refund was requested before."}}
    scripted.script += [Answer(refusal, status=422), Answer({"id": "shp_1", "refund_status": stands})]
    assert asked.void("shp_1") is state
    assert scripted.paths() == ["POST /v2/shipments/shp_1/refund", "GET /v2/shipments/shp_1"]


@pytest.mark.parametrize("result", ["submitted", "refunded"])
def test_a_shipment_that_was_given_back_is_not_bought_again_and_says_so(sandbox, carrier, result):
    quote = carrier.quote(consignment())
    first = carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    carrier.void(quote.shipment_ref)
    if result == "refunded":
        sandbox.do(f"/easypost/refunds/{quote.shipment_ref}/settle", {"result": "refunded"})
    again = carrier.buy(quote.shipment_ref, cheapest(quote).remote_id)
    assert again.tracking_code == first.tracking_code
    assert again.void_state is (VoidState.ASKED if result == "submitted" else VoidState.DONE)
    assert sandbox.acts("shipment.buy") == 1


def test_a_label_that_was_never_bought_cannot_be_given_back(carrier):
    with pytest.raises(Permanent):
        carrier.void(carrier.quote(consignment()).shipment_ref)


def test_another_accounts_shipment_is_not_found(sandbox, carrier, notes):
    sandbox.do("/easypost/accounts", {"key": "EZTK_other"})
    other = easypost_vendor.build(
        Credentials(account="", live=False, secrets={"api_key": "EZTK_other"}), sandbox.origins, notes.append
    )
    with pytest.raises(Permanent):
        other.find_label(carrier.quote(consignment()).shipment_ref)


# ------------------------------------------------------------------------------------------ what is sent


def test_weights_and_sizes_are_rounded_up_to_a_tenth():
    assert [words.ounces(grams) for grams in (1, 28, 29, 454, 1000)] == [0.1, 1.0, 1.1, 16.1, 35.3]
    assert [words.inches(mm) for mm in (1, 254, 255, 1000)] == [0.1, 10.0, 10.1, 39.4]


def test_a_parcel_without_sizes_is_told_by_its_weight_alone():
    fields = consignments.shipment_fields(consignment(parcel=Parcel(weight_grams=454)))
    assert fields["parcel"] == {"weight": 16.1}


def line(minor=2325, **changes):
    return CustomsLine(
        **(
            {
                "description": "Sweet shirts",
                "units": 2,
                "total_value": Money(minor=minor, currency="USD"),
                "total_weight_grams": 312,
                "origin_country": "US",
                "hs_code": "610910",
            }
            | changes
        )
    )


def abroad(*lines, country="GB"):
    recipient = BUYER.model_copy(update={"country": country})
    return consignment(recipient=recipient, customs=Customs(lines=lines, signer="Steve Brule"))


def test_the_customs_form_is_complete_with_the_totals_of_each_line(scripted, asked):
    scripted.script += [Answer({"id": "shp_1", "rates": [], "messages": []}, status=201)]
    asked.quote(abroad(line()).model_copy(update={"label_size": "7x3"}))
    sent = scripted.asked[0].json()["shipment"]
    assert sent["customs_info"] == {
        "contents_type": "merchandise",
        "customs_certify": True,
        "customs_signer": "Steve Brule",
        "eel_pfc": "NOEEI 30.37(a)",
        "non_delivery_option": "return",
        "restriction_type": "none",
        "customs_items": [
            {
                "description": "Sweet shirts",
                "quantity": 2,
                "value": 23.25,
                "weight": 11.1,
                "currency": "USD",
                "origin_country": "US",
                "hs_tariff_number": "610910",
            }
        ],
    }
    assert (sent["reference"], sent["options"]) == ("attempt-1", {"label_format": "PDF", "label_size": "7x3"})
    assert sent["to_address"]["zip"] == "90277"


@pytest.mark.parametrize(
    ("lines", "country", "citation"),
    [
        ([line(2500_00)], "GB", "NOEEI 30.37(a)"),
        ([line(2000_00), line(2000_00, hs_code="420221")], "GB", "NOEEI 30.37(a)"),
        ([line(2500_01)], "CA", "NOEEI 30.36"),
    ],
)
def test_an_export_that_needs_no_filing_cites_why(lines, country, citation):
    assert consignments.shipment_fields(abroad(*lines, country=country))["customs_info"]["eel_pfc"] == citation


def test_an_export_that_must_be_filed_first_is_not_quoted(scripted, asked):
    with pytest.raises(Permanent, match="filed") as refused:
        asked.quote(abroad(line(2000_00), line(600_00)))
    assert "AES" in refused.value.remedy
    assert scripted.asked == []


def test_verifying_an_address_tells_nobodys_name_number_or_mail(scripted, asked):
    scripted.script += [Answer({"id": "adr_1"}, status=201)]
    asked.verify_address(BUYER)
    assert scripted.asked[0].json() == {
        "address": {
            "street1": "179 N Harbor Dr",
            "city": "Redondo Beach",
            "state": "CA",
            "zip": "90277",
            "country": "US",
        },
        "verify": True,
    }


def test_an_origin_with_the_version_in_it_is_the_same_place(scripted, credentials, notes):
    made = easypost_vendor.build(credentials, Origins(easypost=f"{scripted.origin}/v2/"), notes.append)
    scripted.script += [Answer({"id": "shp_1"})]
    assert made.find_label("shp_1") is None
    assert scripted.paths() == ["GET /v2/shipments/shp_1"]
    assert scripted.asked[0].headers["authorization"] == "Bearer sk_test_packline"


# ------------------------------------------------------------------------------------------ what answers mean


def test_a_quote_without_rates_is_a_quote_with_remarks(scripted, asked):
    messages = [
        {"carrier": "USPS", "type": "rate_error", "message": "Weight exceeds the maximum."},
        {"carrier": "UPSDAP", "type": "rate_error", "message": {"detail": "Account is closed."}},
        {"carrier": None, "message": None},
    ]
    scripted.script += [Answer({"id": "shp_1", "rates": [], "messages": messages}, status=201)]
    quote = asked.quote(consignment())
    assert (quote.shipment_ref, quote.rates) == ("shp_1", ())
    assert quote.remarks[0] == "USPS: Weight exceeds the maximum."
    assert quote.remarks[1] == "UPS: Account is closed."


@pytest.mark.parametrize(
    ("rate", "currency", "minor"),
    [("6.07", "USD", 607), (34.15, "usd", 3415), ("0.1", None, 10), ("1200", "JPY", 1200), ("3.405", "USD", 341)],
)
def test_a_price_is_exact_and_never_less_than_told(rate, currency, minor):
    assert words.money(rate, currency).minor == minor


def test_a_rate_without_a_price_is_left_out_and_the_others_stay(scripted, asked):
    good = {"id": "rate_1", "carrier": "USPS", "service": "Priority", "rate": "7.42", "currency": "USD"}
    broken = [good | {"rate": price} for price in (None, "free", "NaN", "-1", "1e99", True)]
    rates = [*broken, good | {"id": None}, None, "rate", good]
    scripted.script += [Answer({"id": "shp_1", "rates": rates}, status=201)]
    assert [rate.remote_id for rate in asked.quote(consignment()).rates] == ["rate_1"]


@pytest.mark.parametrize(
    ("delivery", "country", "deliverable"),
    [
        ({"success": True, "errors": []}, "US", True),
        (
            {"success": True, "errors": [{"code": "E.SECONDARY_INFORMATION.MISSING", "message": "Missing apt"}]},
            "US",
            False,
        ),
        ({"success": False, "errors": []}, "DE", False),
        ({"success": False, "errors": [{"code": "E.COUNTRY.UNSUPPORTED"}]}, "DE", True),
        (None, "DE", True),
        (None, "US", False),
    ],
)
def test_an_address_is_judged_by_success_and_errors_and_country(scripted, asked, delivery, country, deliverable):
    answer = {"id": "adr_1", "street1": "179 N Harbor Dr", "verifications": {"delivery": delivery}}
    scripted.script += [Answer(answer, status=201)]
    verdict = asked.verify_address(BUYER.model_copy(update={"country": country}))
    assert verdict.deliverable is deliverable
    assert bool(verdict.problems) is not (delivery == {"success": True, "errors": []})


def test_an_address_that_easypost_will_not_keep_is_not_deliverable(scripted, asked):
    detail = {"field": "country", "message": "is not a country"}
    error = {"code": "ADDRESS.COUNTRY.INVALID", "message": "Invalid country", "errors": [detail]}
    scripted.script += [Answer({"error": error}, status=422)]
    verdict = asked.verify_address(BUYER)
    assert verdict.deliverable is False
    assert "country is not a country" in verdict.problems[0]


def refusal(status, code="", message="No.", errors=None):
    return Answer({"error": {"code": code, "message": message, "errors": errors or []}}, status=status)


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (401, "APIKEY.INACTIVE", "packline connect easypost"),
        (403, "APIKEY.INACTIVE", "packline connect easypost"),
        (402, "PAYMENT_REQUIRED", "Add funds"),
        (422, "SHIPMENT.MISSING_RATE", "rate the parcel again"),
        (422, "SHIPMENT.POSTAGE.FAILURE", "choose another carrier"),
        (422, "CUSTOMS_ITEM.ORIGIN_COUNTRY.REQUIRED", "customs details"),
        (422, "SOMETHING.NEW", "EasyPost's reason"),
        (400, "", "EasyPost's reason"),
    ],
)
def test_a_refused_purchase_is_permanent_and_says_what_to_do(scripted, asked, status, code, remedy):
    scripted.script += [refusal(status, code)]
    with pytest.raises(Permanent) as refused:
        asked.buy("shp_1", "rate_1")
    assert remedy in refused.value.remedy
    assert refused.value.code == (code or str(status))
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    "errors",
    [["A sentence."], [{"field": "rate", "message": "A sentence."}], [{"message": "A sentence.", "suggestion": None}]],
)
def test_details_come_as_sentences_or_as_objects(scripted, asked, errors):
    scripted.script += [refusal(422, "X", errors=errors)]
    with pytest.raises(Permanent, match=r"A sentence\."):
        asked.find_label("shp_1")


@pytest.mark.parametrize("code", ["SHIPMENT.POSTAGE.NO_RESPONSE", "SHIPMENT.POSTAGE.TIMED_OUT"])
def test_a_silent_carrier_is_of_unknown_outcome(scripted, asked, code):
    scripted.script += [refusal(422, code), Answer({"id": "shp_1"})]
    with pytest.raises(Temporary) as silent:
        asked.buy("shp_1", "rate_1")
    assert silent.value.outcome_unknown


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        b"null",
        b"7",
        b"",
        {"id": 7},
        {"id": "shp_1", "rates": 7},
        {"id": "shp_\x00"},
        b"[" * 50_000,
        {"error": "x"},
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_of_another_shape_is_temporary_and_never_another_exception(scripted, asked, body, status):
    scripted.script += [Answer(body, status=status) for _ in range(2)]
    with pytest.raises(Temporary) as unread:
        asked.buy("shp_1", "rate_1")
    assert unread.value.outcome_unknown
    assert scripted.paths() == ["POST /v2/shipments/shp_1/buy", "GET /v2/shipments/shp_1"]


def test_a_vendor_that_is_not_there_has_bought_nothing(credentials, notes):
    gone = easypost_vendor.build(credentials, Origins(easypost="http://127.0.0.1:9"), notes.append)
    with pytest.raises(Temporary, match="unreachable") as unreachable:
        gone.buy("shp_1", "rate_1")
    assert unreachable.value.outcome_unknown is False
    assert [(note.verb, note.outcome, note.key) for note in notes] == [("shipment.buy", "unreachable", "shp_1")]


def test_a_purchase_is_sent_once_and_a_silent_read_twice(scripted, asked):
    scripted.script += [Answer(drop=True), Answer(drop=True), Answer({"id": "shp_1"})]
    with pytest.raises(Temporary):
        asked.buy("shp_1", "rate_1")
    assert [path.split()[0] for path in scripted.paths()] == ["POST", "GET", "GET"]


def test_a_purchase_is_waited_for_longer_than_easyposts_own_ninety_seconds():
    assert SHIPPED_BUY_TIMEOUT_S[1] >= 95
    assert SHIPPED_ASK_TIMEOUT_S[1] <= 20


def test_a_redirect_is_not_followed_with_a_purchase_in_hand(scripted, asked):
    scripted.script += [Answer(status=307, headers={"Location": "/elsewhere"}), Answer({"id": "shp_1"})]
    with pytest.raises(Temporary) as redirected:
        asked.buy("shp_1", "rate_1")
    assert redirected.value.outcome_unknown
    assert scripted.paths() == ["POST /v2/shipments/shp_1/buy", "GET /v2/shipments/shp_1"]


@pytest.mark.parametrize("ref", ["", "..", "shp_1/buy", "shp_1?x=1", "shp 1", "shp_é"])
def test_a_reference_that_would_be_another_request_is_never_sent(scripted, asked, ref):
    for act in (asked.find_label, asked.void, asked.track, lambda ref: asked.buy(ref, "rate_1")):
        with pytest.raises(Permanent):
            act(ref)
    assert scripted.asked == []


# ------------------------------------------------------------------------------------------ the label's file


def test_a_label_from_this_machine_is_fetched_only_where_easypost_is_answered_here(scripted, credentials, notes):
    real = easypost_vendor.build(credentials, Origins(), notes.append)
    with pytest.raises(Permanent):
        real.fetch_label(f"{scripted.origin}/label.png")
    assert scripted.asked == []


def test_a_web_page_in_place_of_a_label_is_not_kept(scripted, asked, notes):
    scripted.script += [Answer(b"<html>One moment</html>")]
    with pytest.raises(Temporary, match="in place of the label"):
        asked.fetch_label(f"{scripted.origin}/label.png")
    assert [(note.verb, note.outcome) for note in notes] == [("label.fetch", "ok")]


def test_a_label_that_is_gone_is_permanent_and_noted(scripted, asked, notes):
    scripted.script += [Answer(status=403)]
    with pytest.raises(Permanent):
        asked.fetch_label(f"{scripted.origin}/label.png")
    assert [(note.verb, note.outcome) for note in notes] == [("label.fetch", "403")]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"%PDF-1.4", "application/pdf"),
        (b"^XA^FO50,50^XZ", "application/zpl"),
        (b"\r\n^XA^XZ", "application/zpl"),
        (b"~CC^~CT~^XA", "application/zpl"),
        (b"\nN\nq812\n", "application/epl2"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
    ],
)
def test_a_label_is_what_its_bytes_say(content, media_type):
    assert label_files.label_file(content).media_type == media_type


@pytest.mark.parametrize("content", [b"", b"{}", b"<?xml version='1.0'?>", b"PNG"])
def test_what_is_no_label_is_refused(content):
    with pytest.raises(Temporary):
        label_files.label_file(content)
