"""May it go out?  Findings that a careful colleague would make."""
