"""The pages: public ones that mailed links lead to, and a plain list for staff."""
