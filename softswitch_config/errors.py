"""What can go wrong before Asterisk runs."""


class SoftswitchConfigError(Exception):
    """Asterisk cannot be brought here, configured or started; the text is one sentence that says why."""
