"""Text of the delivered files, assembled column-wise."""
