"""Identifiers, as types, so that an agent is never passed where a call is meant."""

from typing import NewType

ContactId = NewType("ContactId", str)
"""A UUID given by the dialplan when the INVITE arrives; one for each contact, with all its legs."""

AgentId = NewType("AgentId", str)
"""A person who serves, by the number that the house gave them (工号), as ``1001``."""

Extension = NewType("Extension", str)
"""A phone of the house: the user part of its SIP address. An agent may sit at any."""

OfferId = NewType("OfferId", str)
"""One reservation of one agent for one contact; a consultation is one, too."""

LegId = NewType("LegId", str)
"""One party's line in a call: the caller's has the id of the contact, an agent's that of the offer that brought it."""

ChannelName = NewType("ChannelName", str)
"""What a contact came over, as ``voice``; a channel that is added brings its own name."""

BrandName = NewType("BrandName", str)
TeamName = NewType("TeamName", str)
"""A team of agents; an agent belongs to one, or to none."""

QueueName = NewType("QueueName", str)

CustomerId = NewType("CustomerId", str)
"""A customer, by the id that the CRM gave; no part of ours reads a meaning into it."""

TicketId = NewType("TicketId", str)
"""A ticket, by the id that the ticketing system gave."""
