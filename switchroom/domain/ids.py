"""Identifiers, as types, so that an agent is never passed where a call is meant."""

from typing import NewType

ContactId = NewType("ContactId", str)
"""A UUID given by the dialplan when the INVITE arrives; one per customer call, whatever its legs."""

AgentId = NewType("AgentId", str)
"""The agent's number, which is also the user part of the softphone's SIP address, as ``1001``."""

OfferId = NewType("OfferId", str)
"""One reservation of one agent for one contact."""

QueueName = NewType("QueueName", str)
CustomerId = NewType("CustomerId", int)
TicketId = NewType("TicketId", int)
