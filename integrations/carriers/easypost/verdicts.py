"""What EasyPost's address verification means for a parcel: deliverable or not, why, and what it corrected.

The answer is 201 even for an address that does not exist, and its `success` may stand beside errors (recorded: a UPS
verification with success and E.ADDRESS.NOT_FOUND), so both are read. docs.easypost.com: Address Verification Guide.
"""

from __future__ import annotations

import re

from integrations.carriers.easypost import objects
from integrations.nouns import Address, AddressVerdict
from integrations.ports import Permanent

# Verification did not take place: said of countries that are not covered, or not in this account's plan.
_NOT_COVERED = frozenset({"E.COUNTRY.UNSUPPORTED", "ADDRESS.VERIFY.INTL_NOT_ENABLED", "ADDRESS.VERIFY.ONLY_US"})


class Misfit(objects.Wire):
    code: objects.Text = ""
    field: objects.Text = ""
    message: objects.Text = ""
    suggestion: objects.Text = ""


class Verification(objects.Wire):
    success: bool | None = None
    errors: tuple[Misfit, ...] | None = None


class Verifications(objects.Wire):
    zip4: Verification | None = None
    delivery: Verification | None = None


class VerifiedAddress(objects.Wire):
    street1: objects.Text = ""
    street2: objects.Text = ""
    city: objects.Text = ""
    state: objects.Text = ""
    zip: objects.Text = ""
    country: objects.Text = ""
    residential: bool | None = None
    verifications: Verifications | None = None


def verdict_of(asked: Address, answer: VerifiedAddress) -> AddressVerdict:
    """The verdict on `asked`.

    Where nothing was verified, an address in the United States is held, because there every real one can be; one
    elsewhere passes with a remark, because many real ones cannot.
    """
    delivery = answer.verifications.delivery if answer.verifications else None
    if delivery is None or _not_covered(delivery):
        return _unchecked(asked)
    if not delivery.success or delivery.errors:
        return AddressVerdict(deliverable=False, problems=_problems(delivery), residential=answer.residential)
    return AddressVerdict(deliverable=True, corrected=_corrected(asked, answer), residential=answer.residential)


def refused(asked: Address, refusal: Permanent) -> AddressVerdict:
    """The verdict where EasyPost would not even keep the address; a refusal of something else is raised again."""
    if refusal.code in _NOT_COVERED:
        return _unchecked(asked)
    if not refusal.code.startswith("ADDRESS."):
        raise refusal
    return AddressVerdict(deliverable=False, problems=(refusal.reason,))


def _unchecked(asked: Address) -> AddressVerdict:
    remark = f"EasyPost did not check this address in {asked.country or 'an unnamed country'}"
    return AddressVerdict(deliverable=asked.country.upper() != "US", problems=(remark,))


def _not_covered(delivery: Verification) -> bool:
    return any(misfit.code in _NOT_COVERED for misfit in delivery.errors or ())


def _problems(delivery: Verification) -> tuple[str, ...]:
    said = [_sentence(misfit) for misfit in delivery.errors or ()]
    return tuple(dict.fromkeys(said)) or ("EasyPost could not verify this address, and gave no reason",)


def _sentence(misfit: Misfit) -> str:
    sentence = misfit.message or misfit.code or "not deliverable"
    return f"{sentence} (did you mean {misfit.suggestion}?)" if misfit.suggestion else sentence


def _corrected(asked: Address, answer: VerifiedAddress) -> Address | None:
    """The address as the carriers write it, with the people on it as they were; None where only the writing differs."""
    found = asked.model_copy(
        update={
            "street1": answer.street1,
            "street2": answer.street2,
            "city": answer.city,
            "region": answer.state,
            "postcode": answer.zip,
            "country": answer.country or asked.country,
        }
    )
    return None if _plain(found) == _plain(asked) or not found.street1 else found


def _plain(address: Address) -> tuple[str, ...]:
    # A verified address comes back in capitals, with the second street line in the first, and with its ZIP+4.
    postcode = address.postcode[:5] if address.country.upper() == "US" else address.postcode
    parts = (f"{address.street1} {address.street2}", address.city, address.region, postcode, address.country)
    return tuple(re.sub(r"[^\w]+", " ", part.casefold()).strip() for part in parts)
