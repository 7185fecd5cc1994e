"""The WebSocket media protocol, message by message. The texts are Asterisk 22.10.1's own."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.media.codec import (
    MAX_AUDIO_BYTES,
    MAX_COMMAND_BYTES,
    Ask,
    BufferingCompleted,
    CallerAudio,
    Codec,
    Command,
    CommandRefused,
    DigitPressed,
    Event,
    Mark,
    MarkReached,
    MediaStarted,
    ProtocolError,
    QueueDrained,
    QueueStatus,
    SendingPaused,
    SendingResumed,
    SetDirection,
    State,
    StopBuffering,
    Unrecognised,
)

START = (
    '{"event":"MEDIA_START","connection_id":"ivr","channel":"WebSocket/ivr/0x7fbd0c006250","channel_id":"1795452972.1",'
    '"format":"slin","optimal_frame_size":320,"ptime":20,"channel_variables":{"MEDIA_WEBSOCKET_CONNECTION_ID":"ivr"}}'
)


def started() -> Codec:
    codec = Codec()
    codec.receive_text(START)
    return codec


def test_the_first_message_tells_format_and_frame() -> None:
    codec = Codec()
    assert codec.receive_text(START) == MediaStarted("WebSocket/ivr/0x7fbd0c006250", "1795452972.1", "slin", 320, 20)
    assert codec.state is State.FLOWING


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ('{"event":"DTMF_END","channel_id":"1.1","digit":"#"}', DigitPressed("#")),
        ('{"event":"MEDIA_XOFF","channel_id":"1.1"}', SendingPaused()),
        ('{"event":"MEDIA_XON","channel_id":"1.1"}', SendingResumed()),
        ('{"event":"QUEUE_DRAINED","channel_id":"1.1"}', QueueDrained()),
        ('{"event":"MEDIA_MARK_PROCESSED","channel_id":"1.1","correlation_id":"m1"}', MarkReached("m1")),
        ('{"event":"MEDIA_BUFFERING_COMPLETED","channel_id":"1.1","correlation_id":""}', BufferingCompleted("")),
        (
            '{"event":"STATUS","channel_id":"1.1","queue_length":985,"xon_level":800,"xoff_level":900,'
            '"queue_full":true,"bulk_media":false,"media_paused":false}',
            QueueStatus(985, full=True, paused=False),
        ),
        (
            '{"event":"ERROR","channel_id":"1.1","error_text":"\'bogus\' is not a valid direction.\\n"}',
            CommandRefused("'bogus' is not a valid direction."),
        ),
        ('{"event":"SOMETHING_NEW","x":1}', Unrecognised("SOMETHING_NEW")),
    ],
)
def test_events_are_read(text: str, event: Event) -> None:
    assert started().receive_text(text) == event


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (Ask.FLUSH, '{"command":"FLUSH_MEDIA"}'),
        (Ask.REPORT_DRAINED, '{"command":"REPORT_QUEUE_DRAINED"}'),
        (Mark("3:32000"), '{"command":"MARK_MEDIA","correlation_id":"3:32000"}'),
        (StopBuffering("b"), '{"command":"STOP_MEDIA_BUFFERING","correlation_id":"b"}'),
        (SetDirection("out"), '{"command":"SET_MEDIA_DIRECTION","direction":"out"}'),
    ],
)
def test_commands_are_written(command: Command, text: str) -> None:
    assert started().send(command) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{bad",
        "[]",
        "5",
        "[" * 100_000,
        '{"event":5}',
        '{"event":"DTMF_END"}',
        '{"event":"DTMF_END","digit":"12"}',
        '{"event":"DTMF_END","digit":"x"}',
        '{"event":"STATUS","queue_length":true}',
        '{"event":"STATUS","queue_length":-1}',
        '{"event":"MEDIA_MARK_PROCESSED"}',
        START,
    ],
)
def test_given_an_illegal_message_then_it_is_refused_and_nothing_changes(text: str) -> None:
    codec = started()
    with pytest.raises(ProtocolError):
        codec.receive_text(text)
    assert codec.state is State.FLOWING
    assert codec.receive_text('{"event":"DTMF_END","digit":"1"}') == DigitPressed("1")


def test_given_nothing_started_then_only_the_start_is_accepted() -> None:
    codec = Codec()
    for illegal in (
        lambda: codec.receive_text('{"event":"DTMF_END","digit":"1"}'),
        lambda: codec.receive_text(START.replace("320", "0")),
        lambda: codec.receive_audio(b"\0\0"),
        lambda: codec.send(Ask.FLUSH),
        lambda: codec.send_audio(b"\0\0"),
    ):
        with pytest.raises(ProtocolError):
            illegal()
        assert codec.state is State.AWAITING_START
    codec.receive_text(START)


def test_given_hung_up_then_late_events_are_read_but_nothing_is_sent() -> None:
    codec = started()
    codec.send(Ask.HANG_UP)
    assert codec.receive_audio(b"\0\0") == CallerAudio(b"\0\0")
    assert codec.receive_text('{"event":"DTMF_END","digit":"1"}') == DigitPressed("1")
    with pytest.raises(ProtocolError):
        codec.send(Ask.FLUSH)


def test_what_asterisk_would_drop_or_hang_up_on_is_never_sent() -> None:
    codec = started()
    empty = len(codec.send(Mark("")))
    assert len(codec.send(Mark("x" * (MAX_COMMAND_BYTES - empty)))) == MAX_COMMAND_BYTES
    for illegal in (
        lambda: codec.send(Mark("x" * (MAX_COMMAND_BYTES - empty + 1))),
        lambda: codec.send(Mark("张" * 20)),
        lambda: codec.send_audio(bytes(MAX_AUDIO_BYTES + 1)),
    ):
        with pytest.raises(ProtocolError):
            illegal()
    assert codec.send_audio(bytes(MAX_AUDIO_BYTES))


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just([]) | st.just({})
NAMES = ["MEDIA_START", "DTMF_END", "STATUS", "ERROR", "MEDIA_MARK_PROCESSED", "MEDIA_BUFFERING_COMPLETED"]
FIELDS = ["digit", "queue_length", "error_text", "correlation_id", "channel", "format", "ptime", "optimal_frame_size"]


@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_message_breaks_the_codec(name: str, fields: dict[str, object]) -> None:
    for codec in (Codec(), started()):
        before = codec.state
        try:
            event = codec.receive_text(json.dumps({"event": name, **fields}))
        except ProtocolError:
            assert codec.state is before
        else:
            assert codec.state is State.FLOWING or isinstance(event, MediaStarted)


@given(st.text(max_size=50))
def test_no_text_breaks_the_codec(text: str) -> None:
    codec = started()
    try:
        codec.receive_text(text)
    except ProtocolError:
        assert codec.state is State.FLOWING
