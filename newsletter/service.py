"""The long-running service: scheduler, dispatcher and web in one process."""
