"""Breaks every part of Packline on purpose, and shows that nothing is lost, done twice or left standing."""
