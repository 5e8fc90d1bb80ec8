"""Breaks every part of Packline on purpose, and shows that nothing is lost, nothing happens twice, nothing stands still."""
