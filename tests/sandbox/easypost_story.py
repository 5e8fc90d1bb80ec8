"""A shop, a buyer and a box, as the EasyPost tests tell their stories."""

KEY = "EZTK_sandbox"
SENDER = {
    "name": "Packing Table",
    "street1": "388 Townsend St",
    "street2": "Apt 20",
    "city": "San Francisco",
    "state": "CA",
    "zip": "94107",
    "country": "US",
}
BUYER = {
    "name": "Elizabeth Swan",
    "street1": "179 N Harbor Dr",
    "city": "Redondo Beach",
    "state": "CA",
    "zip": "90277",
    "country": "US",
}
BOX = {"length": 10, "width": 8, "height": 4, "weight": 15.4}
SHIRTS = {
    "description": "Sweet shirts",
    "quantity": 2,
    "weight": 11,
    "value": 23.25,
    "hs_tariff_number": "654321",
    "origin_country": "US",
}
CUSTOMS = {"contents_type": "merchandise", "customs_items": [SHIRTS]}


def ship(client, **more):
    wish = {"from_address": SENDER, "to_address": BUYER, "parcel": BOX, **more}
    return client.shipment.create(**wish)


def bought(client, **more):
    shipment = ship(client, **more)
    return client.shipment.buy(shipment.id, rate=shipment.lowest_rate())


def labels_bought(sandbox) -> int:
    return sandbox.control("GET", "/calls?operation=shipment.buy&effect=true")["count"]
