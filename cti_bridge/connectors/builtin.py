"""Customers and tickets in the ledger's own database: needs nothing else to be installed."""

from cti_bridge.connectors.port import Connectors
from switchroom.storage.customers import Customers
from switchroom.storage.database import Database
from switchroom.storage.tickets import Tickets


def builtin(database: Database) -> Connectors:
    return Connectors(crm=Customers(database), ticketing=Tickets(database))
