"""When a prompt fell silent, by the times of its packets: late, bunched and missing ones included."""

import pytest

from demo.hearing import Packet, fell_silent_at, longest_gap_s, sound_s

TALK, HUSH = b"\x00\x40" * 160, bytes(320)


def line(*spans: tuple[float, float, bytes]) -> list[Packet]:
    """Packets of 20 ms: (from, to, what)."""
    return [
        Packet(round(begins + n * 0.02, 3), pcm)
        for begins, ends, pcm in spans
        for n in range(round((ends - begins) * 50))
    ]


def test_given_silence_long_enough_then_the_end_of_the_sound_is_found() -> None:
    assert fell_silent_at(line((0, 2, TALK), (2, 2.4, HUSH)), since=1.0) == 2.0


@pytest.mark.parametrize("more", [(), ((2, 2.2, HUSH),), ((2, 2.2, HUSH), (2.2, 3, TALK))])
def test_given_no_silence_yet_then_nothing_is_said(more: tuple[tuple[float, float, bytes], ...]) -> None:
    assert fell_silent_at(line((0, 2, TALK), *more), since=1.0) is None


def test_given_a_line_that_stands_still_then_the_next_packet_ends_the_silence() -> None:
    assert fell_silent_at(line((0, 2, TALK), (2.7, 3, TALK)), since=1.0) == 2.0


def test_given_another_sound_after_the_silence_then_the_first_end_counts() -> None:
    assert fell_silent_at(line((0, 2, TALK), (2, 2.5, HUSH), (2.5, 9, TALK)), since=1.0) == 2.0


def test_given_a_line_that_is_silent_already_then_it_fell_silent_at_once() -> None:
    assert fell_silent_at(line((0, 1, TALK), (1, 2, HUSH)), since=1.2) == 1.2


def test_sound_and_gaps_are_measured() -> None:
    packets = line((0, 1, TALK), (1, 2, HUSH), (2.5, 3, TALK))
    assert sound_s(packets) == pytest.approx(1.5)
    assert longest_gap_s(packets) == pytest.approx(0.52)
    assert longest_gap_s([]) == 0.0
