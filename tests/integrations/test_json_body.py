"""Nothing that a stranger can put into a body leaves the reader as anything but an object or an Unreadable."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from integrations.json_body import parsed, read_object
from integrations.ports import Unreadable


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"[]", "an array"),
        (b"null", "null"),
        (b"7", "a number"),
        (b'"text"', "a string"),
        (b"true", "true or false"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "5000 digits"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"\\u0000": 1}', "NUL"),
        (b'{"a": ["\\ud800"]}', "surrogate"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'{"a": 1} trailing', "not JSON"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "twice"),
        (b"[" * 100_000 + b"]" * 100_000, "nested"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "more than 64 levels"),
    ],
)
def test_a_body_that_cannot_be_kept_is_unreadable_and_says_why(body, reason):
    with pytest.raises(Unreadable, match=reason):
        read_object(body)


def test_sixty_four_levels_are_read_and_brackets_in_a_text_do_not_count():
    deep = b'{"a": ' + b"[" * 63 + b"]" * 63 + b"}"
    assert read_object(deep)["a"][0][0] is not None
    assert read_object(b'{"a": "' + b"[" * 500 + b'"}') == {"a": "[" * 500}


def test_a_pair_of_surrogates_is_one_character_and_is_kept():
    assert read_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@settings(deadline=None)  # a machine that is busy is no fault of the reader
@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_unreadable(body):
    with suppress(Unreadable):
        assert isinstance(read_object(body), dict)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)  # a machine that is busy is no fault of the reader
@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_an_ordinary_object_is_read_as_json_reads_it(value):
    body = json.dumps(value).encode()
    if "\\u0000" in body.decode():
        with pytest.raises(Unreadable):
            read_object(body)
    else:
        assert read_object(body) == json.loads(body)


def test_a_misfit_names_the_field_and_not_its_value():
    class Buyer(BaseModel):
        age: int

    with pytest.raises(Unreadable) as refused:
        parsed(Buyer, {"age": "jane@example.com"}, called="buyer")
    assert refused.value.reason.startswith("buyer.age: ")
    assert "jane" not in refused.value.reason
