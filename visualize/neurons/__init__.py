"""Networks of neurons, as on slides: their layers, the cell of an LSTM, and the walk through them in words."""
