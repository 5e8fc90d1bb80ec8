"""Shows the main job: a store, its orders, and what Packline makes of them."""
