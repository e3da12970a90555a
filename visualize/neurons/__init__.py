"""Networks of neurons as in the lecture: layers, the cell of an LSTM, and the walk through both in words."""
