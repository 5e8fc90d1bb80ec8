"""Chooses from where an order leaves: ordered rules over ways to ship it, and a record that explains and replays it."""
