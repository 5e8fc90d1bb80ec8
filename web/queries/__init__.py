"""What the pages read: every query takes the tenant first, is bounded, and asks once for a whole list."""
