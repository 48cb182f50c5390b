"""Risk of a plan as ordered: simulation of the metal returned, of the cost with recourse, and what to measure first."""
