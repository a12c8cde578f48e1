"""What staff are told by mail, each thing once."""
