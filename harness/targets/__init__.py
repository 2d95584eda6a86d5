"""Where a run goes: endpoints and credentials, and how a service is entered."""
