"""Switchroom: a telephony-centric contact-centre server with IVR, on Asterisk."""

__version__ = "0.1.0"
