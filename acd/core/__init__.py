"""The ACD's decisions, pure: contacts and agents as data, seconds as floats, no clock, no asyncio.

`Core.apply(event, now)` changes the state and returns the effects; `Core.next_due` says when to call it with
`TimePassed`. `acd.service` carries the effects out.
"""
