"""Two calls to a scripted Shopify, one that only asks and one that acts, and the errors it may answer them with."""

import pytest
from scripted_vendor import Answer

from integrations.ports import Credentials, Origins, Permanent, Temporary
from integrations.storefronts.shopify.client import Client

TOKEN = "shpat_do_not_tell"


def client_of(origin, notes=None, shop="packline.myshopify.com", token=TOKEN, version="2026-10"):
    credentials = Credentials(account=shop, live=True, secrets={"access_token": token})
    notice = [].append if notes is None else notes.append
    return Client(credentials, Origins(shopify=origin, shopify_api_version=version), notice)


def errors(*codes, message="No.", data=..., path=None, cost=None):
    body = {"errors": [{"message": message, "extensions": {"code": code}, "path": path} for code in codes]}
    if data is not ...:
        body["data"] = data
    if cost is not None:
        body["extensions"] = {"cost": cost}
    return Answer(body)


def asked(client):
    return client.ask("ReadStanding", id="gid://shopify/Order/1")


def told(client):
    return client.tell("MarkPaid", key="k1", input={"id": "gid://shopify/Order/1"})


def failure(call, client, kind):
    with pytest.raises((Temporary, Permanent)) as caught:
        call(client)
    assert isinstance(caught.value, kind), caught.value
    return caught.value
