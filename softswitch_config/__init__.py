"""Asterisk's configuration, made from Switchroom's settings, and a local Asterisk to run it in."""
