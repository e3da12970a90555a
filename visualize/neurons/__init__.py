"""Networks of neurons, as on slides: layers, the cell of an LSTM, and the walk through them in words."""
