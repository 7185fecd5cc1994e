"""What is written on a channel is read back unchanged, and always gets through AMI."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchroom.domain.contact import CustomerTier, Requirements, Waiting
from switchroom.domain.ids import QueueName
from telephony.softswitch.channel_variables import (
    MAX_VALUE_BYTES,
    decode_collected,
    decode_time,
    decode_waiting,
    encode,
    is_fit,
)

names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(
    lambda name: name == name.strip()
)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).flatmap(
    lambda time: st.integers(-12, 14).map(lambda hours: time.replace(tzinfo=timezone(timedelta(hours=hours))))
)
waitings = st.builds(
    Waiting,
    st.builds(
        Requirements,
        names.map(QueueName),
        st.dictionaries(names, st.integers(1, 10), max_size=5),
        st.sampled_from(CustomerTier),
    ),
    times,
)
WAITING = Waiting(Requirements(QueueName("refund"), {"refund": 3}), datetime(2026, 11, 23, 9, tzinfo=UTC))


@given(waitings, st.dictionaries(st.text(), st.text(max_size=400), max_size=8))
def test_whatever_is_written_fits_and_the_place_in_line_is_read_back(
    waiting: Waiting, collected: dict[str, str]
) -> None:
    variables = encode(waiting, collected)
    assert all(is_fit(value) for value in variables.values())
    assert decode_waiting(variables) == waiting
    kept = decode_collected(variables)
    assert kept.keys() <= collected.keys()
    for name, value in kept.items():
        assert value == collected[name] or (value.endswith("…") and len(value) < len(collected[name]))


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=5))
def test_what_is_short_is_kept_whole(collected: dict[str, str]) -> None:
    assert decode_collected(encode(WAITING, collected)) == collected


def test_given_a_long_value_when_written_then_it_is_cut_and_its_neighbours_are_whole() -> None:
    collected = {"order": "A-17", "said": "想退款" * 300, "phone": "13800138000"}
    kept = decode_collected(encode(WAITING, collected))
    assert (kept["order"], kept["phone"]) == ("A-17", "13800138000")
    assert kept["said"].startswith("想退款想退款")
    assert kept["said"].endswith("…")


def test_given_too_many_values_when_written_then_the_last_are_left_out() -> None:
    kept = decode_collected(encode(WAITING, {f"name-{i:03}": "x" * 10 for i in range(100)}))
    assert 20 < len(kept) < 100
    assert list(kept) == [f"name-{i:03}" for i in range(len(kept))]


@pytest.mark.parametrize("queue", ["a\nb", "a\r", "\x7f", " a", "a ", "\ud800", "长" * 400])
def test_given_a_queue_that_ami_cannot_carry_when_written_then_it_is_refused(queue: str) -> None:
    with pytest.raises(ValueError, match="QUEUE"):
        encode(Waiting(Requirements(QueueName(queue)), WAITING.enqueued_at), {})


def test_the_limit_leaves_room_for_the_header() -> None:
    assert len(b"Value: ") + MAX_VALUE_BYTES <= 1024


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"QUEUE": "refund"},
        {"QUEUE": "", "ENQUEUED_AT": "2026-11-23T09:00:00+00:00"},
        {"QUEUE": "refund", "ENQUEUED_AT": "yesterday"},
        {"QUEUE": "refund", "ENQUEUED_AT": "0001-01-01T00:00:00+14:00"},
        {"QUEUE": "refund", "ENQUEUED_AT": "2026-11-23T09:00:00+00:00", "SKILLS": '{"a": 1e999}'},
        {"QUEUE": "refund", "ENQUEUED_AT": "2026-11-23T09:00:00"},
        {"QUEUE": "refund", "ENQUEUED_AT": "2026-11-23T09:00:00+00:00", "TIER": "diamond"},
        {"QUEUE": "refund", "ENQUEUED_AT": "2026-11-23T09:00:00+00:00", "SKILLS": "{"},
        {"QUEUE": "refund", "ENQUEUED_AT": "2026-11-23T09:00:00+00:00", "SKILLS": "[1]"},
        {"QUEUE": "refund", "ENQUEUED_AT": "2026-11-23T09:00:00+00:00", "SKILLS": '{"a":null}'},
    ],
)
def test_what_is_no_place_in_line_is_none(variables: dict[str, str]) -> None:
    assert decode_waiting(variables) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '"a"', "1"])
def test_what_is_no_collection_is_empty(text: str) -> None:
    assert decode_collected({"COLLECTED": text}) == {}


def test_a_time_without_zone_is_no_time() -> None:
    assert decode_time("2026-11-23T09:00:00") is None
