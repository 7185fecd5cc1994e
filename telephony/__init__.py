"""Calls and their legs, as the softswitch holds them."""
