"""Where rules come from, spelled out once: the vendors' SDK and pages, the RFCs, reported issues."""

from __future__ import annotations


def sdk(*files: str) -> str:
    """Files of the official SDK's GA models; their docstrings are the vendor's reference text."""
    return "OpenAI Python SDK 3.57.0, types/realtime/" + ", ".join(files)


def beta_sdk(*files: str) -> str:
    """Files of the official SDK's beta models."""
    return "OpenAI Python SDK 3.57.0, types/beta/realtime/" + ", ".join(files)


def rfc(number: int, section: str) -> str:
    """A section of an RFC with its address."""
    return f"RFC {number} section {section}, https://www.rfc-editor.org/rfc/rfc{number}"


def issue(thread: str) -> str:
    """A GitHub thread, "owner/repo#number"."""
    place, _, number = thread.partition("#")
    return f"{thread}, https://github.com/{place}/issues/{number}"


SERVER_EVENTS = sdk("realtime_server_event.py")
CLIENT_EVENTS = sdk("realtime_client_event.py")
TURN_DETECTION = sdk("realtime_audio_input_turn_detection.py")
CONVERSATIONS = (
    "OpenAI guide, Realtime conversations, https://developers.openai.com/api/docs/guides/realtime-conversations"
)
COSTS = "OpenAI guide, Managing costs, https://developers.openai.com/api/docs/guides/realtime-costs"
WEBRTC = "OpenAI guide, Realtime with WebRTC, https://developers.openai.com/api/docs/guides/realtime-webrtc"
MS_WEBRTC = (
    "Microsoft, Realtime API via WebRTC, https://learn.microsoft.com/azure/foundry/openai/how-to/realtime-audio-webrtc"
)
MS_HOWTO = (
    "Microsoft, How to use the Realtime API, https://learn.microsoft.com/azure/foundry/openai/how-to/realtime-audio"
)
MS_REFERENCE = (
    "Microsoft, Realtime API reference, https://learn.microsoft.com/azure/foundry/openai/realtime-audio-reference"
)
OWN = "own policy, no vendor statement"
LOG = "a published event log, openai/openai-realtime-console#62, https://github.com/openai/openai-realtime-console/issues/62"
MS_PREVIEW_WEBRTC = (
    "Microsoft, GPT Realtime API via WebRTC (preview), MicrosoftDocs/azure-ai-docs, "
    "articles/ai-foundry/openai/how-to/realtime-audio-webrtc-legacy.md"
)
MS_MIGRATION = (
    "Microsoft, Realtime preview API migration guide, MicrosoftDocs/azure-ai-docs, "
    "articles/foundry/openai/how-to/realtime-audio-preview-api-migration-guide.md"
)
MS_ERRORS = (
    "Microsoft, Troubleshoot errors, MicrosoftDocs/azure-ai-docs, articles/foundry/openai/how-to/troubleshoot-errors.md"
)
OPENAPI = "OpenAI, openapi.yaml, https://github.com/openai/openai-openapi"
WEBRTCHACKS = (
    "webrtcHacks, How OpenAI does WebRTC in the new gpt-realtime (2025-09-23), "
    "https://webrtchacks.com/how-openai-does-webrtc-in-the-new-gpt-realtime/"
)
