"""How the tables and files of the Tokyo 2020 instances follow from the published figures: `python -m instances.fit`."""
