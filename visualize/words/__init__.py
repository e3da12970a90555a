"""The words for a computation: numbers, names, symbols, formulas and sentences."""
