"""Tables: those of predictions and the views on them, and those of files, as declarations and files ask for them."""
