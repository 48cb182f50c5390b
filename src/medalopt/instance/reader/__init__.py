"""From files to trees and columns that know their lines: the only code that opens input."""
