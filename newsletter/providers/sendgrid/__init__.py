"""Twilio SendGrid's v3 API.

sending     batches out of copies, and what the answers mean for each person
events      what SendGrid posts to us afterwards: signatures and our words for its kinds
holding     what it takes before its time, and how that is stopped
records     what it can be asked: its log, and whom it will not mail
line        the official SDK's client on connections that are watched; the SDK stops there
"""

from newsletter.providers.sendgrid.sending import Sandbox, SendGrid, requests_for

__all__ = ["Sandbox", "SendGrid", "requests_for"]
