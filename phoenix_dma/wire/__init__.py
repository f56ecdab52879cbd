"""What the SDK and the services both need to speak the contract; imports nothing else of ours."""
