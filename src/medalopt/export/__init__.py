"""Export of the linear program as LP and MPS, and of an instance as data for the model `models/sourcing.mod`."""

from medalopt.export.lp_mps import write_lp, write_mps, write_names
from medalopt.export.mathprog import write_mathprog

__all__ = ["write_lp", "write_mathprog", "write_mps", "write_names"]
