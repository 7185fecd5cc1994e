"""The verbs of the menu language. A new one is a file here and a place in `VERBS`; docs/ivr.md says how."""

from ivr.language.verb import Verb
from ivr.verbs.collect import Collect
from ivr.verbs.flow import CallFlow
from ivr.verbs.hangup import Hangup
from ivr.verbs.lookup import Lookup
from ivr.verbs.menu import Menu
from ivr.verbs.queue import Queue
from ivr.verbs.return_ import Return
from ivr.verbs.say import Say
from ivr.verbs.set import Set
from ivr.verbs.when import When

VERBS: tuple[type[Verb], ...] = (Menu, Collect, Lookup, Queue, Hangup, CallFlow, Return, Say, Set, When)
"""In the order in which they are looked for: ``say`` and ``set`` are also settings, ``when`` also a way on."""
