"""What is said of a computation: numbers, names, symbols, formulas and sentences, without any markup."""
