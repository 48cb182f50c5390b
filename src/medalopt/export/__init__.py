"""Export of the linear program as LP and MPS, and of an instance as data for the model `models/sourcing.mod`."""

from medalopt.export.lp_mps import write_lp, write_mps
from medalopt.export.mathprog import write_mathprog
from medalopt.export.names import write_names

__all__ = ["write_lp", "write_mathprog", "write_mps", "write_names"]
