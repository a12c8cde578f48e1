"""The pages: public ones that mailed links lead to, and a plain list for staff."""

from newsletter.web.app import RunningServer, create_app, serve

__all__ = ["RunningServer", "create_app", "serve"]
