"""Risk of a plan as ordered: simulation of returns and of cost with recourse, and parameters to measure first."""
