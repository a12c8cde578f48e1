"""Who may be written to.  Knows nothing of mail: never imports `newsletter`."""
