"""The pages: public ones that mailed links lead to, and a plain list for staff.

app         the application, and the server that answers
public      what mailed links lead to
issues      the staff's list of issues with their reports, on this computer only
webhooks    where providers tell what became of the mail
pages       what all pages share: site, templates, headers
local       who sits at this computer
shield      limits on what comes in, headers on what goes out
"""

from newsletter.web.app import RunningServer, create_app, serve

__all__ = ["RunningServer", "create_app", "serve"]
