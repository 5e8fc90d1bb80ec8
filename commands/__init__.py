"""The groups of the `packline` command; cli.py opens each when somebody asks for it."""
